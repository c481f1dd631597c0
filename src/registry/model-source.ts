import { ApiError } from "../domain/errors.ts";
import { modelDigest } from "../domain/manifest.ts";
import { memberFile, memberModel } from "../domain/member-models.ts";
import { formatModelId } from "../domain/model-id.ts";
import type { LoadedModel, ModelFiles, ModelSource } from "../domain/ports.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import { describeSpecs } from "../domain/shape.ts";
import type { TensorSpec } from "../domain/tensor.ts";
import { openModelFile } from "./model-files.ts";

/**
 * The source from which the runtime loads a model of a published version.
 * @param member one of the version's `models`; `undefined` for the main one
 * @param warmUp runs a newly loaded model once
 */
export function toModelSource(
  store: ModelFiles,
  model: PublishedModel,
  member: string | undefined,
  warmUp: ModelSource["prepare"],
): ModelSource {
  const { manifest, name, version } = model;
  const { format, file, runtime } = memberModel(manifest, member);
  const { sha256, sizeBytes } = memberFile(manifest, member);
  return {
    id: { name, version },
    format,
    sizeBytes,
    sha256,
    prepack: runtime.prepack,
    heapBytes: runtime.heapBytes,
    group: manifest.models && modelDigest(manifest),
    open: () => openModelFile(store, model, file),
    prepare: async (loaded, lease) => {
      checkDeclaration(model, member, loaded);
      if (manifest.runtime.warmUp) await warmUp(loaded, lease);
    },
  };
}

/**
 * Checks that the manifest declares the inputs and outputs of a model, because requests are checked against it.
 * @throws ApiError `model_corrupt`
 */
export function checkDeclaration(
  model: Pick<PublishedModel, "name" | "version" | "manifest">,
  member: string | undefined,
  loaded: LoadedModel,
): void {
  const declared = memberModel(model.manifest, member);
  const what = member === undefined ? "the model" : `its model ${member}`;
  const actual = loaded.describe();
  for (const side of ["inputs", "outputs"] as const) {
    // The engine does not list initializers that may be given.
    const required = declared[side].filter((spec: TensorSpec) => !spec.optional);
    if (isSame(required, actual[side])) continue;
    throw new ApiError(
      "model_corrupt",
      `The manifest of ${formatModelId(model)} declares the ${side} ${describeSpecs(declared[side])}, but ${what} has ${describeSpecs(actual[side])}.`,
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
