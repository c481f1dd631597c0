import * as z from "zod";
import { versionStatusSchema } from "../model-status.ts";

/**
 * `GET /v1/models` and `GET /v1/models/{model}` of OpenAI's API (https://platform.openai.com/docs/api-reference/models).
 * KServe's v1 protocol and TensorFlow Serving have the same paths, so the responses have the fields of all three.
 */

const model = {
  id: z.string(),
  object: z.literal("model"),
  created: z
    .int()
    .describe(
      "Creation time of the newest version, in seconds since the epoch. In a list of more than 200 models it may be the time of its publication.",
    ),
  owned_by: z.literal("onnxflare"),
};

export const openAiModelSchema = z.strictObject(model);

export const openAiModelListSchema = z.strictObject({
  object: z.literal("list"),
  data: z.array(openAiModelSchema),
  models: z.array(z.string()).describe("The names of the models, as in KServe's v1 protocol."),
});

export const openAiModelStatusSchema = z.strictObject({
  ...model,
  name: z.string().describe("The name, as in KServe's v1 protocol."),
  ready: z.boolean().describe("Whether the newest version is ready, as in KServe's v1 protocol."),
  model_version_status: z
    .array(versionStatusSchema)
    .describe("The versions, newest first, as in TensorFlow Serving's REST API."),
});

export type OpenAiModel = z.output<typeof openAiModelSchema>;

/** @param createdAt in milliseconds since the epoch */
export function toOpenAiModel(name: string, createdAt: number): OpenAiModel {
  const created = Math.floor(createdAt / 1000);
  return { id: name, object: "model", created, owned_by: "onnxflare" };
}

export function toOpenAiModelList(
  models: readonly { readonly name: string; readonly createdAt: number }[],
): z.output<typeof openAiModelListSchema> {
  return {
    object: "list",
    data: models.map(({ name, createdAt }) => toOpenAiModel(name, createdAt)),
    models: models.map(({ name }) => name),
  };
}
