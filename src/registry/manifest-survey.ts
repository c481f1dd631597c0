import { ApiError } from "../domain/errors.ts";
import type { ListedVersion, ModelStore } from "../domain/ports.ts";
import { LruMap } from "../shared/lru-map.ts";
import type { Catalog } from "./catalog.ts";
import { FailuresInARow } from "./failures-in-a-row.ts";
import { readManifest } from "./read-manifest.ts";

/** What lists of models say about a manifest. */
export type ManifestFacts =
  /** In milliseconds since the epoch. */
  { readonly createdAt: number } | { readonly error: unknown };

/**
 * What is known about the manifests of listed versions. Reads up to {@link MAX_READS} that this isolate has not read before, or fewer when storage
 * fails.
 * @returns for each version its facts, or `undefined` if its manifest has not been read
 */
export type SurveyManifests = (
  versions: readonly ListedVersion[],
) => Promise<readonly (ManifestFacts | undefined)[]>;

/** Bounds the storage calls of one list: a Worker may make 10,000 in a request, and 1,000 without a paid plan. */
export const MAX_READS = 200;
/** As many connections as a Worker may have open at the same time. */
const MAX_CONCURRENT_READS = 6;
/** Bounds what is remembered, by revision, which is immutable. */
const MAX_FACTS = 20_000;

export function createManifestSurvey(
  catalog: Pick<Catalog, "peekManifest">,
  store: Pick<ModelStore, "manifest">,
): SurveyManifests {
  const facts = new LruMap<string, ManifestFacts>(MAX_FACTS);

  /** Apart from the catalog's cache, in which the manifests of a list would evict those in use. */
  async function read(version: ListedVersion): Promise<ManifestFacts> {
    try {
      const { createdAt } = await readManifest(store, version);
      return remember(version, { createdAt: Date.parse(createdAt) });
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "model_corrupt") return { error };
      return remember(version, { error });
    }
  }

  function remember(version: ListedVersion, found: ManifestFacts): ManifestFacts {
    facts.set(keyOf(version), found);
    return found;
  }

  function recall(version: ListedVersion): ManifestFacts | undefined {
    const known = facts.get(keyOf(version));
    if (known) return known;
    const manifest = catalog.peekManifest(version);
    return manifest && remember(version, { createdAt: Date.parse(manifest.createdAt) });
  }

  return async (versions) => {
    const found = versions.map(recall);
    const failures = new FailuresInARow();
    const unread = versions
      .map((version, index) => ({ version, index }))
      .filter(({ index }) => found[index] === undefined)
      .slice(0, MAX_READS)
      .values();
    await Promise.all(
      Array.from({ length: MAX_CONCURRENT_READS }, async () => {
        for (const { version, index } of unread) {
          const facts = await read(version);
          found[index] = facts;
          failures.note("error" in facts ? facts.error : undefined);
          if (failures.isTooMany) return;
        }
      }),
    );
    return found;
  };
}

function keyOf({ name, version, revision }: ListedVersion): string {
  return `${name}/${version}/${revision}`;
}
