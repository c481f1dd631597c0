import { z } from "zod";
import type { Manifest } from "../../domain/manifest.ts";

/** `GET /v1/models` of OpenAI's API (https://platform.openai.com/docs/api-reference/models). */

export const openAiModelSchema = z.strictObject({
  id: z.string(),
  object: z.literal("model"),
  created: z.int().describe("Creation time of the newest version, in seconds since the epoch."),
  owned_by: z.literal("onnxflare"),
});

export const openAiModelListSchema = z.strictObject({
  object: z.literal("list"),
  data: z.array(openAiModelSchema),
});

export type OpenAiModel = z.output<typeof openAiModelSchema>;

export function toOpenAiModel({ name, createdAt }: Manifest): OpenAiModel {
  const created = Math.floor(Date.parse(createdAt) / 1000);
  return { id: name, object: "model", created, owned_by: "onnxflare" };
}

export function toOpenAiModelList(
  manifests: readonly Manifest[],
): z.output<typeof openAiModelListSchema> {
  return { object: "list", data: manifests.map(toOpenAiModel) };
}
