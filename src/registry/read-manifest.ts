import { ApiError } from "../domain/errors.ts";
import { type Manifest, parseStoredManifest } from "../domain/manifest.ts";
import { formatModelId, type ModelId } from "../domain/model-id.ts";
import type { ModelStore } from "../domain/ports.ts";

/**
 * Reads the manifest of a version.
 * @throws ApiError `model_corrupt`, `storage_failed`
 */
export async function readManifest(
  store: Pick<ModelStore, "manifest">,
  id: ModelId,
): Promise<Manifest> {
  const corrupt = (why: string, cause?: unknown): ApiError =>
    new ApiError("model_corrupt", `The manifest of ${formatModelId(id)} ${why}.`, {
      cause,
      details: { model: id.name, version: id.version },
    });
  const value = await store.manifest(id);
  if (value === undefined) throw corrupt("is missing from object storage");
  let manifest: Manifest;
  try {
    manifest = parseStoredManifest(value);
  } catch (cause) {
    throw corrupt("is not valid", cause);
  }
  if (manifest.name !== id.name || manifest.version !== id.version)
    throw corrupt(`belongs to ${formatModelId(manifest)}`);
  return manifest;
}
