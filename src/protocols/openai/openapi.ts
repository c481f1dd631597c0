import { FIND_MODEL, PREDICT } from "../openapi/error-groups.ts";
import { json, type Route } from "../openapi/route.ts";

/** A part of OpenAI's API. */
export const OPENAI_ROUTES: readonly Route[] = [
  {
    method: "post",
    path: "/v1/embeddings",
    operationId: "createEmbeddings",
    tag: "Predictions",
    summary: "Texts in, vectors out, in OpenAI's form",
    description:
      "Of models whose task is feature extraction or sentence similarity. A text that is longer than the model reads is an error, unless `truncate` says that it is cut. Answers are cached, and told by `cache-status`.",
    access: "client",
    parameters: ["x-timeout-ms", "cache-control", "if-none-match", "content-encoding"],
    body: {
      required: true,
      content: json("EmbeddingsRequest", {
        text: { value: { model: "sentence-embeddings", input: "The cat sits outside." } },
        texts: {
          value: {
            model: "sentence-embeddings",
            input: ["The cat sits outside.", "The kitten plays indoors."],
            encoding_format: "base64",
          },
        },
      }),
    },
    answers: {
      200: {
        description: "A vector for each text, in their order.",
        headers: ["x-model-version", "cache-status", "age", "etag", "content-encoding"],
        content: json("EmbeddingsResponse"),
      },
      304: {
        description: "The client has the answer.",
        headers: ["x-model-version", "cache-status", "age", "etag"],
      },
    },
    errors: PREDICT,
  },
  {
    method: "get",
    path: "/v1/models",
    operationId: "listOpenAiModels",
    tag: "Models",
    summary: "The models, in OpenAI's form",
    answers: { 200: { description: "By name.", content: json("OpenAiModelList") } },
    errors: ["storage_failed"],
  },
  {
    method: "get",
    path: "/v1/models/{model}",
    operationId: "getOpenAiModel",
    tag: "Models",
    summary: "A model, in OpenAI's form",
    answers: {
      200: {
        description: "As asked.",
        headers: ["x-model-version"],
        content: json("OpenAiModel"),
      },
    },
    errors: FIND_MODEL,
  },
];
