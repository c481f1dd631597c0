import { ApiError } from "../../../domain/errors.ts";
import type { Manifest } from "../../../domain/manifest.ts";
import { callOf } from "../../../http/call.ts";
import { bodyOf } from "../../../http/receive.ts";
import { RUN_MODEL } from "../../error-groups.ts";
import { parseJson } from "../../json.ts";
import type { InferenceOperation } from "../../operation.ts";
import { PREDICTION_HEADERS, PREDICTION_NOT_MODIFIED } from "../../prediction-responses.ts";
import { resolveReference } from "../../resolve-model.ts";
import {
  type EmbeddingsRequest,
  parseEmbeddingsRequest,
  toEmbeddingsResponse,
} from "../embeddings.ts";
import { guessModel, modelInRequest } from "../model-field.ts";
import { nameField } from "../name-field.ts";
import { json } from "../schemas.ts";

const ENCODER = new TextEncoder();

export const CREATE_EMBEDDINGS: InferenceOperation = {
  id: "createEmbeddings",
  kind: "inference",
  method: "post",
  path: "/embeddings",
  access: "predict",
  tag: "Predictions",
  summary: "Create embeddings in OpenAI's form",
  description:
    "For models whose task is feature extraction or sentence similarity. A text that is too long for the model is an error, unless `truncate` is set. Responses are cached, as `cache-status` reports.",
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
  responses: {
    200: {
      description: "A vector for each text, in the order of the texts.",
      headers: PREDICTION_HEADERS,
      content: json("EmbeddingsResponse"),
    },
    304: PREDICTION_NOT_MODIFIED,
  },
  errors: RUN_MODEL,
  identity: { variesBy: () => "", modelIn: modelInRequest, guessModel },
  handler:
    ({ router, runTask }) =>
    async (c) => {
      const trace = c.get("trace");
      const body = bodyOf(c);
      const request = trace.measure("parse", () => parseEmbeddingsRequest(parseJson(body)));
      const model = await resolveReference(c, router, request.model).catch(nameField("model"));
      checkModel(model.manifest, request);
      const { inputs, parameters } = request;
      const task = { inputs, parameters };
      const result = await runTask(model, task, callOf(c)).catch(nameField("input"));
      if (result.kind !== "value") throw new Error("embeddings are not streamed");
      const { name, version, revision } = model;
      const { value, usage } = result;
      return trace.measure("serialize", () => {
        const response = toEmbeddingsResponse(
          request,
          value as number[][],
          usage?.inputTokens ?? 0,
        );
        return {
          contentType: "application/json",
          parts: [ENCODER.encode(JSON.stringify(response))],
          variant: [name, version, revision, request.encoding],
        };
      });
    },
};

/** @throws ApiError `invalid_request`, because OpenAI's clients retry after a 501 */
function checkModel(
  manifest: Manifest,
  { dimensions, truncatePromptTokens = -1 }: EmbeddingsRequest,
): void {
  const { name, preprocess, postprocess, outputs } = manifest;
  if (postprocess?.type !== "embedding")
    throw new ApiError(
      "invalid_request",
      `Model "${name}" does not create embeddings${manifest.task ? `: its task is ${manifest.task}, at /models/${name}` : ""}.`,
      { details: { field: "model" } },
    );
  const size = outputs.find((output) => output.name === postprocess.output)?.shape.at(-1);
  if (dimensions !== undefined && dimensions !== size)
    throw new ApiError(
      "invalid_request",
      `dimensions cannot be ${dimensions}: the vectors of "${name}" have ${size} dimensions, and cannot be shortened.`,
      { details: { field: "dimensions" } },
    );
  const read = preprocess?.type === "tokenizer" ? preprocess.maxLength : 0;
  if (truncatePromptTokens !== -1 && truncatePromptTokens < read)
    throw new ApiError(
      "invalid_request",
      `truncate_prompt_tokens cannot be ${truncatePromptTokens}: texts are cut to the ${read} tokens that "${name}" reads, with truncate.`,
      { details: { field: "truncate_prompt_tokens" } },
    );
}
