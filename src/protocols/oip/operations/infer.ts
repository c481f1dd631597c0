import type { Context } from "hono";
import type { PublishedModel } from "../../../domain/published-model.ts";
import type { Tensor } from "../../../domain/tensor.ts";
import { addCacheDirective } from "../../../http/cache-headers.ts";
import { callOf } from "../../../http/call.ts";
import type { AppEnv } from "../../../http/context.ts";
import { bodyOf } from "../../../http/receive.ts";
import { RUN_MODEL } from "../../error-groups.ts";
import { BINARY_CONTENT } from "../../openapi/schema-reference.ts";
import type { InferenceHandler, InferenceOperation, Representation } from "../../operation.ts";
import { PREDICTION_HEADERS, PREDICTION_NOT_MODIFIED } from "../../prediction-responses.ts";
import { resolveModel } from "../../resolve-model.ts";
import type { Services } from "../../services.ts";
import { HEADER_LENGTH, type InferRequest, parseInferRequest } from "../infer-request.ts";
import { toInferResponse } from "../infer-response.ts";
import { json } from "../schemas.ts";

const ENCODER = new TextEncoder();

const FEATURES = {
  name: "features",
  datatype: "FP32",
  shape: [1, 4],
  data: [5.1, 3.5, 1.4, 0.2],
};

export const INFER: InferenceOperation = {
  id: "infer",
  kind: "inference",
  method: "post",
  path: "/models/{model}/infer",
  versioned: true,
  access: "predict",
  tag: "Predictions",
  summary: "Run inference on tensors",
  description:
    "Tensors are JSON, or binary data after the JSON (Triton's extension). Responses are cached, as `cache-status` reports.",
  parameters: [
    "x-timeout-ms",
    "x-sticky-key",
    "x-subject-id",
    "cache-control",
    "if-none-match",
    "content-encoding",
    "inference-header-content-length",
  ],
  body: {
    description: "Parsed by `inference-header-content-length`, independent of its content-type.",
    required: true,
    content: {
      ...json("InferRequest", {
        flower: { value: { inputs: [FEATURES], outputs: [{ name: "probabilities" }] } },
        binary: { value: { inputs: [FEATURES], parameters: { binary_data_output: true } } },
      }),
      ...BINARY_CONTENT,
    },
  },
  responses: {
    200: {
      description:
        "The outputs: as JSON, or as JSON followed by the bytes of the outputs that were requested as binary data.",
      headers: [...PREDICTION_HEADERS, "inference-header-content-length"],
      content: { ...json("InferResponse"), ...BINARY_CONTENT },
    },
    304: PREDICTION_NOT_MODIFIED,
  },
  errors: [...RUN_MODEL, "unknown_output"],
  identity: { variesBy: (c) => c.req.header(HEADER_LENGTH) ?? "" },
  handler: inferHandler,
};

function inferHandler({ router, infer }: Services): InferenceHandler {
  return async (c) => {
    const trace = c.get("trace");
    const model = await resolveModel(c, router);
    const body = bodyOf(c);
    const request = trace.measure("parse", () =>
      parseInferRequest(body, c.req.header(HEADER_LENGTH), model.manifest.inputs),
    );
    if (request.timeoutMs !== undefined) c.get("deadline")?.limit(request.timeoutMs);
    const { inputs } = request;
    const names = request.outputs?.map(({ name }) => name);
    const outputs = await infer({ model, inputs, outputs: names }, callOf(c));
    return trace.measure("serialize", () => serialize(c, model, request, outputs));
  };
}

/** JSON and, where tensors are requested as bytes, their data. */
function serialize(
  c: Context<AppEnv>,
  model: PublishedModel,
  request: InferRequest,
  outputs: readonly Tensor[],
): Representation {
  const { json, binary } = toInferResponse(model, request, outputs, model.manifest.labels);
  const { name, version, revision } = model;
  const { id, binaryByDefault } = request;
  const head = ENCODER.encode(json);
  const headers = c.get("headers");
  // Cloudflare must not compress it: tritonclient supports gzip, but not the brotli that Cloudflare may choose.
  addCacheDirective(headers, "no-transform");
  if (binary.length > 0) headers[HEADER_LENGTH] = String(head.byteLength);
  return {
    contentType: binary.length > 0 ? "application/octet-stream" : "application/json",
    parts: [head, ...binary],
    variant: [name, version, revision, id, request.outputs, binaryByDefault],
  };
}
