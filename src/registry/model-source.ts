import { ApiError } from "../domain/errors.ts";
import { fileEntry, type Manifest } from "../domain/manifest.ts";
import { formatModelId } from "../domain/model-id.ts";
import type { LoadedModel, ModelFiles, ModelSource } from "../domain/ports.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import { describeSpecs } from "../domain/shape.ts";
import type { TensorSpec } from "../domain/tensor.ts";
import { openModelFile } from "./model-files.ts";

/**
 * The source from which the runtime loads a published model.
 * @param warmUp runs a newly loaded model once
 */
export function toModelSource(
  store: ModelFiles,
  model: PublishedModel,
  warmUp: ModelSource["prepare"],
): ModelSource {
  const { manifest, name, version } = model;
  const { sha256, sizeBytes } = fileEntry(manifest, manifest.file);
  return {
    id: { name, version },
    format: manifest.format,
    sizeBytes,
    sha256,
    prepack: manifest.runtime.prepack,
    heapBytes: manifest.runtime.heapBytes,
    open: () => openModelFile(store, model, manifest.file),
    prepare: async (loaded, lease) => {
      checkDeclaration(manifest, loaded);
      if (manifest.runtime.warmUp) await warmUp(loaded, lease);
    },
  };
}

/**
 * Checks that the manifest declares the inputs and outputs of the model, because requests are checked against it.
 * @throws ApiError `model_corrupt`
 */
export function checkDeclaration(manifest: Manifest, loaded: LoadedModel): void {
  const actual = loaded.describe();
  for (const side of ["inputs", "outputs"] as const) {
    // The engine does not list initializers that may be given.
    const required = manifest[side].filter((spec: TensorSpec) => !spec.optional);
    if (isSame(required, actual[side])) continue;
    throw new ApiError(
      "model_corrupt",
      `The manifest of ${formatModelId(manifest)} declares the ${side} ${describeSpecs(manifest[side])}, but the model has ${describeSpecs(actual[side])}.`,
    );
  }
}

function isSame(declared: readonly TensorSpec[], found: readonly TensorSpec[]): boolean {
  return (
    declared.length === found.length &&
    declared.every(({ name, datatype, shape }) =>
      found.some(
        (spec) =>
          spec.name === name && spec.datatype === datatype && spec.shape.length === shape.length,
      ),
    )
  );
}
