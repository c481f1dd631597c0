import { createCall } from "../../domain/call.ts";
import { ApiError, isLackOfMemory } from "../../domain/errors.ts";
import type { Manifest } from "../../domain/manifest.ts";
import type { ModelHost } from "../../domain/model-host.ts";
import { formatModelId } from "../../domain/model-id.ts";
import { firstInputs } from "./first-inputs.ts";
import { toUnpublished } from "./unpublished.ts";

/**
 * Runs a proposed task on a first input, which finds outputs of a shape that the graph does not say.
 * @returns what was found
 * @throws ApiError `invalid_model` for a task that the model's outputs do not fit; `out_of_memory` and the like
 */
export async function tryTask(
  host: Pick<ModelHost, "execute">,
  manifest: Manifest,
): Promise<{ readonly manifest: Manifest; readonly notes: readonly string[] }> {
  const inputs = firstInputs(manifest);
  if (inputs === undefined) return { manifest, notes: [] };
  try {
    await host.execute({ model: toUnpublished(manifest), inputs, parameters: {} }, createCall());
    return { manifest, notes: [] };
  } catch (error) {
    if (!(error instanceof ApiError) || isLackOfMemory(error)) throw error;
    // A model may refuse an input that makes no sense.
    if (error.code === "inference_failed")
      return { manifest, notes: [`the model refused a first input of zeros: ${error.message}`] };
    if (error.code !== "task_not_supported") throw error;
    throw new ApiError(
      "invalid_model",
      `${formatModelId(manifest)} cannot be published with the task ${manifest.task}: ${error.message}`,
      { cause: error },
    );
  }
}
