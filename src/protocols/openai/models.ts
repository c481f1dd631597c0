import { z } from "zod";
import type { ListedVersion } from "../../domain/ports.ts";
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
    .describe("When the newest version was published here, in seconds since the epoch."),
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

export function toOpenAiModel(name: string, publishedAt: number): OpenAiModel {
  const created = Math.floor(publishedAt / 1000);
  return { id: name, object: "model", created, owned_by: "onnxflare" };
}

/** @param versions sorted by name and ascending version */
export function toOpenAiModelList(
  versions: readonly ListedVersion[],
): z.output<typeof openAiModelListSchema> {
  const newest = versions.filter(({ name }, index) => versions[index + 1]?.name !== name);
  return {
    object: "list",
    data: newest.map(({ name, publishedAt }) => toOpenAiModel(name, publishedAt)),
    models: newest.map(({ name }) => name),
  };
}
