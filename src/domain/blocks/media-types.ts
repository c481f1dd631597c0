import type { Manifest } from "../manifest.ts";
import { noTask } from "../task-kinds.ts";
import { PREPROCESS_BLOCKS, preprocessDefinition } from "./registry.ts";

/** Every media type that some block takes beside JSON. */
export const BLOCK_MEDIA_TYPES: readonly string[] = [
  ...new Set(PREPROCESS_BLOCKS.flatMap(({ mediaTypes }): readonly string[] => mediaTypes)),
];

/**
 * Media types that a model's task takes beside JSON, as raw bodies and as parts of a form.
 * @throws ApiError `task_not_supported` for a model without a task
 */
export function mediaTypesOf(manifest: Manifest): readonly string[] {
  if (manifest.preprocess && manifest.postprocess)
    return preprocessDefinition(manifest.preprocess).mediaTypes;
  throw noTask(manifest);
}
