import type { Manifest } from "../../../domain/manifest.ts";
import { callOf } from "../../../http/call.ts";
import { bodyOf } from "../../../http/receive.ts";
import { hashText } from "../../../shared/fnv1a.ts";
import { RUN_MODEL } from "../../error-groups.ts";
import { parseJson } from "../../json.ts";
import type { ExplanationOperation } from "../../operation.ts";
import { PREDICTION_HEADERS, PREDICTION_NOT_MODIFIED } from "../../prediction-responses.ts";
import { decodeBase64Texts, isBase64Value } from "../base64-text.ts";
import { parseExplainBody } from "../explain-schema.ts";
import { resolveModel } from "../resolve-model.ts";
import { toSaliencies } from "../saliencies.ts";
import { json } from "../schemas.ts";

const FLOWERS = [
  [5.1, 3.5, 1.4, 0.2],
  [6.7, 3.0, 5.2, 2.3],
  [5.7, 2.8, 4.1, 1.3],
];
const ENCODER = new TextEncoder();

export const EXPLAIN: ExplanationOperation = {
  id: "explainInstances",
  kind: "explanation",
  method: "post",
  path: "/{model}:explain",
  versioned: true,
  access: "explain",
  tag: "Predictions",
  summary: "Explain what a model answers, in the form of KServe v1",
  description:
    "`instances` are inputs of the model's task. The response has an explanation for each, and that of the first one in the form of the TrustyAI explainer as well. Responses are cached, as `cache-status` reports.",
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
    content: json("KserveExplainRequest", {
      rows: { value: { instances: FLOWERS, parameters: { background: FLOWERS } } },
    }),
  },
  responses: {
    200: {
      description: "The explanations.",
      headers: PREDICTION_HEADERS,
      content: json("KserveExplainResponse"),
    },
    304: PREDICTION_NOT_MODIFIED,
  },
  errors: [...RUN_MODEL, "background_missing"],
  handler:
    ({ router, explainer }) =>
    async (c) => {
      const trace = c.get("trace");
      const model = await resolveModel(c, router);
      const bytes = bodyOf(c);
      const request = trace.measure("parse", () => {
        const { instances, parameters } = parseExplainBody(parseJson(bytes));
        const inputs = instances.map((instance) => toInput(instance, model.manifest));
        return { inputs, parameters };
      });
      const result = await explainer.explain(model, request, callOf(c));
      if (result.kind !== "value") throw new Error("the explanation was not asked for in parts");
      return trace.measure("serialize", () => {
        const explanations = Array.isArray(result.value) ? result.value : [result.value];
        const timestamp = new Date().toISOString();
        const text = JSON.stringify({ explanations, timestamp, ...toSaliencies(explanations[0]) });
        return {
          contentType: "application/json",
          parts: [ENCODER.encode(text)],
          variant: [
            model.name,
            model.version,
            model.revision,
            request.parameters,
            hashText(JSON.stringify(explanations)),
          ],
        };
      });
    },
};

/** Blocks that read files. */
const FILES: readonly string[] = [
  "image",
  "audio-windows",
  "log-mel",
  "waveform",
  "mel-spectrogram",
];

/** Files as the task takes them, in base64; other bytes as the text that they are. An object of one value is that value. */
function toInput(instance: unknown, { preprocess }: Manifest): unknown {
  const value = onlyBytes(instance) ?? instance;
  if (typeof value !== "object" || value === null || !isBase64Value(value))
    return decodeBase64Texts("instances", value);
  return preprocess && FILES.includes(preprocess.type)
    ? value.b64
    : decodeBase64Texts("instances", value);
}

/** `{"image_bytes": {"b64": "..."}}` */
function onlyBytes(instance: unknown): object | undefined {
  if (typeof instance !== "object" || instance === null || Array.isArray(instance))
    return undefined;
  const [value, ...others] = Object.values(instance);
  const isBytes = typeof value === "object" && value !== null && isBase64Value(value);
  return others.length === 0 && isBytes ? value : undefined;
}
