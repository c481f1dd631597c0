import { ApiError } from "../domain/errors.ts";
import type { ModelHost } from "../domain/model-host.ts";
import type { ModelId } from "../domain/model-id.ts";
import type { ListedVersion, ModelState, ModelStore } from "../domain/ports.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import { LruMap } from "../shared/lru-map.ts";
import type { Catalog } from "./catalog.ts";
import { readManifest } from "./read-manifest.ts";

/** The published versions and their states in this isolate. */
export interface Repository {
  /**
   * Every published version, sorted by name and version. Of the manifests that this isolate has not read, it reads up to
   * {@link MAX_READS}; a version whose manifest has not been read is `absent`, as any other that is not loaded.
   */
  index(): Promise<readonly { readonly id: ModelId; readonly state: ModelState }[]>;
  /** Frees the memory of a version; its next request loads it again. */
  unload(model: PublishedModel): Promise<void>;
}

/** Bounds the storage calls of one index: a Worker may make 10,000 in a request, and 1,000 without a paid plan. */
export const MAX_READS = 200;
/** As many connections as a Worker may have open at the same time. */
const MAX_CONCURRENT_READS = 6;
/** Bounds what is remembered about manifests. */
const MAX_CHECKED = 20_000;

export function createRepository(
  catalog: Pick<Catalog, "list" | "peekManifest">,
  host: Pick<ModelHost, "state" | "unload">,
  store: Pick<ModelStore, "manifest">,
): Repository {
  /** What is wrong with the manifest of a version, by revision; `undefined` if nothing is. */
  const checked = new LruMap<string, ApiError | undefined>(MAX_CHECKED);

  /** Apart from the catalog's cache, in which the manifests of an index would evict those in use. */
  async function check(version: ListedVersion): Promise<ModelState> {
    try {
      const manifest = await readManifest(store, version);
      checked.set(keyOf(version), undefined);
      return await host.state({ manifest });
    } catch (error) {
      if (error instanceof ApiError && error.code === "model_corrupt")
        checked.set(keyOf(version), error);
      return { state: "failed", error };
    }
  }

  /** The state without a call of storage, or `undefined` if the manifest has to be read. */
  async function known(version: ListedVersion): Promise<ModelState | undefined> {
    const manifest = catalog.peekManifest(version);
    if (manifest) return host.state({ manifest });
    const key = keyOf(version);
    if (!checked.has(key)) return undefined;
    const error = checked.get(key);
    return error ? { state: "failed", error } : { state: "absent" };
  }

  return {
    async index() {
      const versions = await catalog.list();
      const entries = await Promise.all(
        versions.map(async (version) => ({ version, state: await known(version) })),
      );
      const unread = entries.filter(({ state }) => state === undefined).slice(0, MAX_READS);
      const next = unread.values();
      await Promise.all(
        Array.from({ length: MAX_CONCURRENT_READS }, async () => {
          for (const entry of next) entry.state = await check(entry.version);
        }),
      );
      return entries.map(({ version: { name, version }, state }) => ({
        id: { name, version },
        state: state ?? { state: "absent" },
      }));
    },
    unload: async (model) => {
      await host.unload(model);
    },
  };
}

function keyOf({ name, version, revision }: ListedVersion): string {
  return `${name}/${version}/${revision}`;
}
