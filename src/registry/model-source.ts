import { ApiError } from "../domain/errors.ts";
import { fileEntry, type Manifest } from "../domain/manifest.ts";
import { formatModelId } from "../domain/model-id.ts";
import type { LoadedModel, ModelSource, ModelStore } from "../domain/ports.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import { describeSpecs } from "../domain/shape.ts";
import type { TensorSpec } from "../domain/tensor.ts";
import { openModelFile } from "./model-files.ts";

/**
 * What the runtime needs to load a published model.
 * @param warmUp runs a freshly loaded model once
 */
export function toModelSource(
  store: ModelStore,
  published: PublishedModel,
  warmUp: (model: LoadedModel) => Promise<void>,
): ModelSource {
  const { manifest, name, version } = published;
  const { sha256, sizeBytes } = fileEntry(manifest, manifest.file);
  return {
    id: { name, version },
    format: manifest.format,
    sizeBytes,
    sha256,
    prepack: manifest.runtime.prepack,
    heapBytes: manifest.runtime.heapBytes,
    open: () => openModelFile(store, published, manifest.file),
    prepare: async (model) => {
      checkDeclaration(manifest, model);
      if (manifest.runtime.warmUp) await warmUp(model);
    },
  };
}

/**
 * Requests are checked against the manifest, so it must say what the model says.
 * @throws ApiError `model_corrupt`
 */
export function checkDeclaration(manifest: Manifest, model: LoadedModel): void {
  const actual = model.describe();
  for (const side of ["inputs", "outputs"] as const) {
    if (isSame(manifest[side], actual[side])) continue;
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
