import { ApiError } from "../domain/errors.ts";
import { type Manifest, parseStoredManifest } from "../domain/manifest.ts";
import { formatModelId, type ModelId } from "../domain/model-id.ts";
import type { ModelStore } from "../domain/ports.ts";

/** The manifest of a version that was listed: the version was deleted since. */
export class MissingManifest extends ApiError {
  constructor({ name, version }: ModelId) {
    super(
      "model_corrupt",
      `The manifest of ${formatModelId({ name, version })} is missing from object storage.`,
      { details: { model: name, version } },
    );
  }
}

/** The manifest of a version, with its revision. */
export interface ReadPublication {
  readonly manifest: Manifest;
  readonly revision: string;
}

/**
 * Reads the manifest of a version.
 * @throws ApiError `model_corrupt`, `storage_failed`
 */
export async function readPublication(
  store: Pick<ModelStore, "publication">,
  id: ModelId,
): Promise<ReadPublication> {
  const stored = await store.publication(id);
  if (!stored) throw new MissingManifest(id);
  return { manifest: parse(id, stored.manifest), revision: stored.revision };
}

/**
 * Reads the manifest of a version.
 * @throws ApiError `model_corrupt`, `storage_failed`
 */
export async function readManifest(
  store: Pick<ModelStore, "manifest">,
  id: ModelId,
): Promise<Manifest> {
  const value = await store.manifest(id);
  if (value === undefined) throw new MissingManifest(id);
  return parse(id, value);
}

function parse(id: ModelId, value: unknown): Manifest {
  let manifest: Manifest;
  try {
    manifest = parseStoredManifest(value);
  } catch (cause) {
    throw corrupt(id, "is not valid", cause);
  }
  if (manifest.name !== id.name || manifest.version !== id.version)
    throw corrupt(id, `belongs to ${formatModelId(manifest)}`);
  return manifest;
}

function corrupt(id: ModelId, why: string, cause?: unknown): ApiError {
  return new ApiError("model_corrupt", `The manifest of ${formatModelId(id)} ${why}.`, {
    cause,
    details: { model: id.name, version: id.version },
  });
}
