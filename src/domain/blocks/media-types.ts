import { ApiError } from "../errors.ts";
import type { Manifest } from "../manifest.ts";
import { formatModelId } from "../model-id.ts";
import type { Preprocess } from "./task-blocks.ts";

const MEDIA_TYPES: Readonly<Record<Preprocess["type"], readonly string[]>> = {
  tabular: ["text/csv"],
  array: [],
  "character-ngrams": ["text/plain"],
  tokenizer: ["text/plain"],
  image: ["image/jpeg", "image/png", "image/webp", "application/octet-stream"],
  "audio-windows": ["audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"],
};

/**
 * Media types that a model's task takes beside JSON, as raw bodies and as parts of a form.
 * @throws ApiError `task_not_supported` for a model without a task
 */
export function mediaTypesOf(manifest: Manifest): readonly string[] {
  if (!manifest.preprocess || !manifest.postprocess)
    throw new ApiError(
      "task_not_supported",
      `${formatModelId(manifest)} declares no task: send tensors to /v2/models/${manifest.name}/infer.`,
    );
  return MEDIA_TYPES[manifest.preprocess.type];
}
