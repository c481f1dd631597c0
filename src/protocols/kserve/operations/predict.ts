import { callOf } from "../../../http/call.ts";
import { bodyOf } from "../../../http/receive.ts";
import { RUN_MODEL } from "../../error-groups.ts";
import { parseJson } from "../../json.ts";
import type { InferenceOperation } from "../../operation.ts";
import { PREDICTION_HEADERS, PREDICTION_NOT_MODIFIED } from "../../prediction-responses.ts";
import { toTensors } from "../predict-request.ts";
import { toPredictResponse } from "../predict-response.ts";
import { parsePredictBody } from "../predict-schema.ts";
import { kserveReference, resolveModel } from "../resolve-model.ts";
import { json } from "../schemas.ts";

const ENCODER = new TextEncoder();

const FLOWERS = [
  [5.1, 3.5, 1.4, 0.2],
  [6.7, 3.0, 5.2, 2.3],
];

export const PREDICT: InferenceOperation = {
  id: "predictInstances",
  kind: "inference",
  method: "post",
  path: "/{model}:predict",
  versioned: true,
  access: "predict",
  tag: "Predictions",
  summary: "Run inference on tensors in the form of KServe v1 and TensorFlow Serving",
  description:
    "`instances` is the row format, `inputs` the columnar format. The version 0 is the default one. Responses are cached, as `cache-status` reports.",
  parameters: [
    "x-timeout-ms",
    "x-sticky-key",
    "x-subject-id",
    "cache-control",
    "if-none-match",
    "content-encoding",
  ],
  body: {
    description: "JSON, independent of its content-type.",
    required: true,
    content: json("KservePredictRequest", {
      rows: { value: { instances: FLOWERS } },
      columns: { value: { inputs: { features: FLOWERS }, signature_name: "serving_default" } },
    }),
  },
  responses: {
    200: {
      description: "The outputs.",
      headers: PREDICTION_HEADERS,
      content: json("KservePredictResponse"),
    },
    304: PREDICTION_NOT_MODIFIED,
  },
  errors: RUN_MODEL,
  identity: { variesBy: () => "", reference: kserveReference },
  handler:
    ({ router, infer }) =>
    async (c) => {
      const trace = c.get("trace");
      const model = await resolveModel(c, router);
      const bytes = bodyOf(c);
      const { inputs: specs } = model.manifest;
      const { body, inputs } = trace.measure("parse", () => {
        const body = parsePredictBody(parseJson(bytes));
        return { body, inputs: toTensors(body, specs) };
      });
      const outputs = await infer({ model, inputs }, callOf(c));
      return trace.measure("serialize", () => ({
        contentType: "application/json",
        parts: [ENCODER.encode(toPredictResponse(body, outputs))],
        variant: [model.name, model.version, model.revision, body.format],
      }));
    },
};
