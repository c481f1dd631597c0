import { ApiError } from "../domain/errors.ts";
import { formatModelId, type ModelId } from "../domain/model-id.ts";
import type { VersionDocumentStore } from "../domain/version-document.ts";
import type { Catalog } from "./catalog.ts";

/**
 * After a document was written beside a version: a deletion may have listed the objects of the version before.
 * @throws ApiError `version_not_found` for a version that is not there any more, without whose document the store is left
 */
export async function removeIfDeleted(
  store: Pick<VersionDocumentStore, "delete">,
  catalog: Pick<Catalog, "find">,
  id: ModelId,
): Promise<void> {
  const versions = await catalog.find(id.name, 0).then(
    (known) => known.versions,
    (error: unknown): readonly string[] => {
      if (error instanceof ApiError && error.code === "model_not_found") return [];
      throw error;
    },
  );
  if (versions.includes(id.version)) return;
  await store.delete(id);
  throw new ApiError("version_not_found", `${formatModelId(id)} has been deleted meanwhile.`);
}
