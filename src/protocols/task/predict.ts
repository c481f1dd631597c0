import type { Context } from "hono";
import { BLOCK_MEDIA_TYPES, mediaTypesOf } from "../../domain/blocks/media-types.ts";
import { postprocessDefinition } from "../../domain/blocks/registry.ts";
import type { Manifest } from "../../domain/manifest.ts";
import type { PublishedModel } from "../../domain/published-model.ts";
import type { TaskRequest, TaskValue } from "../../domain/task.ts";
import { preferredType } from "../../http/accept.ts";
import { addVary } from "../../http/cache-headers.ts";
import { callOf } from "../../http/call.ts";
import type { AppEnv } from "../../http/context.ts";
import { respondStream } from "../../http/stream.ts";
import { hashBytes, hashText } from "../../shared/fnv1a.ts";
import { RUN_MODEL } from "../error-groups.ts";
import type { MediaType } from "../openapi/openapi-types.ts";
import { BINARY_SCHEMA, EVENT_STREAM_CONTENT } from "../openapi/schema-reference.ts";
import type { InferenceOperation, Representation } from "../operation.ts";
import { PREDICTION_HEADERS, PREDICTION_NOT_MODIFIED } from "../prediction-responses.ts";
import { resolveModel } from "../resolve-model.ts";
import { parseTaskBody } from "../task-body.ts";
import { taskQuery } from "../task-query.ts";
import { isHuggingFaceClient } from "./hugging-face-client.ts";
import { json } from "./schemas.ts";
import { streamFormat } from "./stream-format.ts";

const ENCODER = new TextEncoder();
const JSON_TYPE = "application/json";
const PNG_TYPE = "image/png";

const FORM: MediaType = {
  schema: {
    type: "object",
    required: ["inputs"],
    properties: {
      inputs: {
        type: "array",
        items: BINARY_SCHEMA,
        description: "One or more files or texts.",
      },
      parameters: { type: "string", description: "A JSON object." },
    },
  },
};

export const PREDICT: InferenceOperation = {
  id: "predict",
  kind: "inference",
  method: "post",
  path: "/{model}",
  versioned: true,
  access: "predict",
  tag: "Predictions",
  summary: "Run a model's task",
  description:
    "The form of `inputs` and of the response depends on the model's task. A body that is not JSON is the input itself; its parameters, and `stream`, go in the query. Responses are cached, as `cache-status` reports. With `stream`, a task that generates its result step by step sends each part as a server-sent event, in the form of Hugging Face's text generation. By `accept`, predictions of images for one image are a picture.",
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
      ...json("TaskRequest", {
        row: { value: { inputs: [5.1, 3.5, 1.4, 0.2] } },
        rows: {
          value: {
            inputs: [
              [5.1, 3.5, 1.4, 0.2],
              [6.7, 3.0, 5.2, 2.3],
            ],
            parameters: { top_k: 1 },
          },
        },
      }),
      ...Object.fromEntries(BLOCK_MEDIA_TYPES.map((type) => [type, { schema: BINARY_SCHEMA }])),
      "multipart/form-data": FORM,
    },
  },
  responses: {
    200: {
      description:
        "The prediction, or a list of predictions for a list of inputs; for a streamed result, its parts.",
      headers: PREDICTION_HEADERS,
      content: {
        ...json("TaskResponse"),
        [PNG_TYPE]: { schema: BINARY_SCHEMA },
        ...EVENT_STREAM_CONTENT,
      },
    },
    304: PREDICTION_NOT_MODIFIED,
  },
  errors: [...RUN_MODEL, "task_not_supported"],
  identity: { variesBy },
  handler:
    ({ router, runTask, drawAnswer }) =>
    async (c) => {
      const model = await resolveModel(c, router);
      const body = c.get("body");
      const mediaTypes = mediaTypesOf(model.manifest);
      const generates = generatesResults(model.manifest);
      const contentType = c.req.header("content-type") ?? "";
      const request = await c
        .get("trace")
        .measureAsync("parse", () =>
          parseTaskBody(contentType, body, taskQuery(c.req.url), mediaTypes, generates),
        );
      const result = await runTask(model, request, callOf(c));
      if (result.kind === "stream")
        return respondStream(c, result.parts, streamFormat(c.get("requestId")));
      const type = representationType(c, model.manifest, result);
      if (type === JSON_TYPE) return serialize(c, model, request, result);
      const ended = c.get("trace").start("serialize");
      try {
        return toPicture(model, request, await drawAnswer(model, request, result, callOf(c)));
      } finally {
        ended();
      }
    },
};

function generatesResults({ postprocess }: Manifest): boolean {
  return postprocess !== undefined && postprocessDefinition(postprocess).generates === true;
}

/** Everything besides the body that affects the response. */
function variesBy(c: Context<AppEnv>): string {
  const { url } = c.req;
  const query = url.indexOf("?");
  const client = isHuggingFaceClient(c.req.header("user-agent")) ? "hugging-face" : "";
  const contentType = c.req.header("content-type") ?? "";
  const accept = c.req.header("accept");
  // Which models have pictures, and which send them by default, is not known yet.
  const types = [
    preferredType(accept, [JSON_TYPE, PNG_TYPE]),
    preferredType(accept, [PNG_TYPE, JSON_TYPE]),
  ];
  return `${client}\n${contentType}\n${types.join()}\n${query === -1 ? "" : url.slice(query)}`;
}

/** What the client prefers, where predictions have a picture; of a list there is none. */
function representationType(
  c: Context<AppEnv>,
  { postprocess }: Manifest,
  { form }: TaskValue,
): string {
  const picture = postprocess && postprocessDefinition(postprocess).picture;
  if (!picture) return JSON_TYPE;
  addVary(c.get("headers"), "accept");
  const accept = c.req.header("accept");
  return picture.isDefault && form === "one"
    ? preferredType(accept, [PNG_TYPE, JSON_TYPE])
    : preferredType(accept, [JSON_TYPE, PNG_TYPE]);
}

function toPicture(
  { name, version, revision }: PublishedModel,
  { parameters }: TaskRequest,
  bytes: Uint8Array,
): Representation {
  const variant = [name, version, revision, PNG_TYPE, parameters, hashBytes(bytes)];
  return { contentType: PNG_TYPE, parts: [bytes], variant };
}

function serialize(
  c: Context<AppEnv>,
  { name, version, revision, manifest }: PublishedModel,
  { parameters }: TaskRequest,
  { value, form }: TaskValue,
): Representation {
  const isInList =
    form === "one" &&
    manifest.task === "text-classification" &&
    isHuggingFaceClient(c.req.header("user-agent"));
  const text = c
    .get("trace")
    .measure("serialize", () => JSON.stringify(isInList ? [value] : value));
  return {
    contentType: JSON_TYPE,
    parts: [ENCODER.encode(text)],
    // Not all that a prediction depends on is in its tensors: boxes are scaled to the size of the image.
    variant: [name, version, revision, isInList ? "in a list" : form, parameters, hashText(text)],
  };
}
