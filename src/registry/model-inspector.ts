import { ApiError, toApiError } from "../domain/errors.ts";
import type { Manifest } from "../domain/manifest.ts";
import type { ModelId } from "../domain/model-id.ts";
import type { ModelStore } from "../domain/ports.ts";
import type { Catalog, KnownModel } from "./catalog.ts";
import { FailuresInARow } from "./failures-in-a-row.ts";

/** What administrators see of models and versions. */
export interface ModelInspector {
  /**
   * The versions of a model, newest first; none for a model whose versions were all deleted.
   * @throws ApiError `storage_failed`
   */
  versions(name: string): Promise<readonly InspectedVersion[]>;
  /** @throws ApiError what {@link Catalog.resolve} throws */
  version(id: ModelId): Promise<{ readonly manifest: Manifest; readonly signature: unknown }>;
}

export interface InspectedVersion {
  readonly version: string;
  readonly revision: string;
  readonly publishedAt: string;
  /** Of all its files. */
  readonly sizeBytes?: number;
  readonly task?: string;
  readonly format?: string;
  /** Of the main model file. */
  readonly sha256?: string;
  readonly signed?: boolean;
  readonly description?: string;
  /** Why it cannot be served. */
  readonly problem?: string;
}

/** Bounds the storage calls of one request; older versions have no details. */
const MAX_DETAILED = 200;
/** As many connections as a Worker may have open at the same time. */
const MAX_CONCURRENT_READS = 6;

export function createModelInspector(
  store: Pick<ModelStore, "publication" | "signature">,
  catalog: Pick<Catalog, "find" | "version" | "resolve">,
): ModelInspector {
  async function describe(
    known: KnownModel,
    version: string,
    failures: FailuresInARow,
  ): Promise<Partial<InspectedVersion>> {
    if (failures.isTooMany) return { problem: "Object storage fails: this one was not read." };
    try {
      const { name } = known;
      const { manifest } = await catalog.version(known, version);
      const { file, files, format, task, description } = manifest;
      const main = files.find(({ path }) => path === file);
      const publication = await store.publication({ name, version });
      const signature =
        publication && (await store.signature({ name, version }, publication.manifestText));
      failures.note();
      return {
        sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
        format,
        ...(main && { sha256: main.sha256 }),
        ...(task && { task }),
        ...(description && { description }),
        signed: signature !== undefined,
      };
    } catch (error) {
      failures.note(error);
      return { problem: toApiError(error).message };
    }
  }

  return {
    async versions(name) {
      const known = await catalog.find(name, 0).catch((error: unknown) => {
        if (error instanceof ApiError && error.code === "model_not_found") return undefined;
        throw error;
      });
      if (!known) return [];
      const found: InspectedVersion[] = known.entries.map(({ version, revision, publishedAt }) => ({
        version,
        revision,
        publishedAt: new Date(publishedAt).toISOString(),
      }));
      const failures = new FailuresInARow();
      const unread = found.slice(0, MAX_DETAILED).entries();
      await Promise.all(
        Array.from({ length: MAX_CONCURRENT_READS }, async () => {
          for (const [index, listed] of unread)
            found[index] = { ...listed, ...(await describe(known, listed.version, failures)) };
        }),
      );
      return found;
    },

    async version(id) {
      const { manifest } = await catalog.resolve(id.name, id.version);
      const publication = await store.publication(id);
      const signature = publication && (await store.signature(id, publication.manifestText));
      return { manifest, signature };
    },
  };
}
