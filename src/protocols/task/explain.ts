import type { Context } from "hono";
import { BLOCK_MEDIA_TYPES, mediaTypesOf } from "../../domain/blocks/media-types.ts";
import type { RoutedModel } from "../../domain/published-model.ts";
import type { TaskRequest } from "../../domain/task.ts";
import { preferredType } from "../../http/accept.ts";
import { addVary } from "../../http/cache-headers.ts";
import { callOf } from "../../http/call.ts";
import type { AppEnv } from "../../http/context.ts";
import { respondStream } from "../../http/stream.ts";
import type { Explainer } from "../../inference/explaining/explain.ts";
import { EXPLANATION_FORMATS } from "../../inference/explaining/explanation-formats.ts";
import { hashText } from "../../shared/fnv1a.ts";
import { RUN_MODEL } from "../error-groups.ts";
import { BINARY_SCHEMA, EVENT_STREAM_CONTENT } from "../openapi/schema-reference.ts";
import type { ExplanationOperation, Representation } from "../operation.ts";
import { PREDICTION_HEADERS, PREDICTION_NOT_MODIFIED } from "../prediction-responses.ts";
import { resolveModel } from "../resolve-model.ts";
import { parseTaskBody } from "../task-body.ts";
import { taskQuery } from "../task-query.ts";
import { explanationStreamFormat } from "./explanation-stream-format.ts";
import { json } from "./schemas.ts";

const ENCODER = new TextEncoder();
const FLOWERS = [
  [5.1, 3.5, 1.4, 0.2],
  [6.7, 3.0, 5.2, 2.3],
  [5.7, 2.8, 4.1, 1.3],
];
const JSON_TYPE = "application/json";

export const EXPLAIN: ExplanationOperation = {
  id: "explain",
  kind: "explanation",
  method: "post",
  path: "/{model}/explain",
  versioned: true,
  access: "explain",
  tag: "Predictions",
  summary: "Explain what a model answers",
  description:
    "How much each feature of an input has added to the answer. `inputs` are those of a prediction; a body that is not JSON is the input itself, and its parameters go in the query. The method is chosen by the model, or named. What it costs is known before it begins (`dry_run`) and limited (`max_runs`). Responses are cached, as `cache-status` reports. By `accept` it is drawn as a chart, or as a heat map of a picture.",
  parameters: [
    "x-timeout-ms",
    "x-sticky-key",
    "x-subject-id",
    "cache-control",
    "if-none-match",
    "content-encoding",
  ],
  body: {
    required: true,
    content: {
      ...json("ExplanationRequest", {
        row: { value: { inputs: FLOWERS[0], parameters: { background: FLOWERS } } },
        rows: { value: { inputs: FLOWERS, parameters: { background: FLOWERS, output: "all" } } },
        cost: { value: { inputs: FLOWERS[0], parameters: { background: FLOWERS, dry_run: true } } },
      }),
      ...Object.fromEntries(BLOCK_MEDIA_TYPES.map((type) => [type, { schema: BINARY_SCHEMA }])),
    },
  },
  responses: {
    200: {
      description: "The explanation, or a list of explanations for a list of inputs.",
      headers: PREDICTION_HEADERS,
      content: {
        ...json("ExplanationResponse"),
        ...Object.fromEntries(
          EXPLANATION_FORMATS.map(({ mediaType }) => [mediaType, { schema: { type: "string" } }]),
        ),
        ...EVENT_STREAM_CONTENT,
      },
    },
    304: PREDICTION_NOT_MODIFIED,
  },
  errors: [...RUN_MODEL, "background_missing"],
  handler:
    ({ router, explainer }) =>
    async (c) => {
      const model = await resolveModel(c, router);
      addVary(c.get("headers"), "accept");
      const contentType = c.req.header("content-type") ?? "";
      const request = await c
        .get("trace")
        .measureAsync("parse", () =>
          parseTaskBody(
            contentType,
            c.get("body"),
            taskQuery(c.req.url),
            mediaTypesOf(model.manifest),
            true,
          ),
        );
      const result = await explainer.explain(model, request, callOf(c));
      if (result.kind === "stream")
        return respondStream(c, result.parts, explanationStreamFormat(c.get("requestId")));
      return represent(c, explainer, model, request, result.value);
    },
};

/** The explanation in the form that the client prefers. */
async function represent(
  c: Context<AppEnv>,
  { draw }: Explainer,
  model: RoutedModel,
  request: TaskRequest,
  value: unknown,
): Promise<Representation> {
  const { parameters } = request;
  const formats = parameters.dry_run === true ? [] : EXPLANATION_FORMATS;
  const types = formats.filter(({ suits }) => suits(value)).map(({ mediaType }) => mediaType);
  const type = preferredType(c.req.header("accept"), [JSON_TYPE, ...types]);
  const trace = c.get("trace");
  const text = trace.measure("serialize", () => JSON.stringify(value));
  const variant = [model.name, model.version, model.revision, type, parameters, hashText(text)];
  if (type === JSON_TYPE) return { contentType: JSON_TYPE, parts: [ENCODER.encode(text)], variant };
  const { body, contentType, contentSecurityPolicy } = await trace.measureAsync("serialize", () =>
    draw(type, value, model, request, callOf(c)),
  );
  if (contentSecurityPolicy !== undefined)
    c.get("headers")["content-security-policy"] = contentSecurityPolicy;
  const bytes = typeof body === "string" ? ENCODER.encode(body) : body;
  return { contentType, parts: [bytes], variant };
}
