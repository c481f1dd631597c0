import { ApiError } from "../../domain/errors.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { toManifestText } from "../../domain/manifest-text.ts";
import { formatModelId, type ModelId } from "../../domain/model-id.ts";
import type { ModelStore, ModelWriter } from "../../domain/ports.ts";
import type { Publication } from "./publication.ts";

/**
 * Writes the manifest, from which on the version exists. Of several publications of one version one succeeds.
 * @throws ApiError `version_exists`, `storage_failed`
 */
export async function commit(
  store: ModelStore & ModelWriter,
  publication: Publication,
  manifest: Manifest,
): Promise<void> {
  const { id } = publication;
  const text = toManifestText(manifest);
  publication.checkTime();
  let isWritten: boolean;
  try {
    isWritten = await store.publish(id, text);
  } catch (error) {
    // The write may have taken effect all the same.
    if (!(await isStored(store, id, text))) {
      publication.abandon();
      throw error;
    }
    isWritten = true;
  }
  if (!isWritten) throw versionExists(id);
  publication.keep(manifest.files.map(({ path }) => path));
}

async function isStored(store: ModelStore, id: ModelId, text: string): Promise<boolean> {
  return isManifest(await store.manifest(id).catch(() => undefined), text);
}

/** Whether the stored JSON is that of the text. */
export function isManifest(stored: unknown, text: string): boolean {
  return stored !== undefined && JSON.stringify(stored) === JSON.stringify(JSON.parse(text));
}

export function versionExists(id: ModelId): ApiError {
  return new ApiError(
    "version_exists",
    `${formatModelId(id)} already exists, and published versions never change: publish another version.`,
    { details: { model: id.name, version: id.version } },
  );
}

/** Whether the version exists, also one whose manifest cannot be read. */
export async function isTaken(store: Pick<ModelStore, "manifest">, id: ModelId): Promise<boolean> {
  try {
    return (await store.manifest(id)) !== undefined;
  } catch (error) {
    if (isUnreadable(error)) return true;
    throw error;
  }
}

/** Whether an error says that a manifest, or its signature, is not what was published. */
function isUnreadable(error: unknown): boolean {
  return (
    error instanceof ApiError &&
    (error.code === "model_corrupt" || error.code === "signature_invalid")
  );
}
