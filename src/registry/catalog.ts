import { ApiError } from "../domain/errors.ts";
import { type Manifest, parseStoredManifest } from "../domain/manifest.ts";
import {
  formatModelId,
  type ModelId,
  parseModelName,
  parseModelVersion,
} from "../domain/model-id.ts";
import type { ModelStore, StoredVersion } from "../domain/ports.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import { LruMap } from "../shared/lru-map.ts";

/** Resolves names and versions to published models. Caches listings and manifests of the store. */
export interface Catalog {
  /**
   * @param version the newest one when left out
   * @throws ApiError `model_not_found`, `version_not_found`, `model_corrupt`, `storage_failed`
   */
  resolve(name: string, version?: string): Promise<PublishedModel>;
  /** The result of `resolve`, if it is cached. */
  recall(name: string, version?: string): PublishedModel | undefined;
  /** Every published version, from the store. */
  list(): Promise<readonly ModelId[]>;
  /** Drops the cached listing of a model, because this isolate has changed it. */
  forget(name: string): void;
}

export interface CatalogOptions {
  /** How long a listing of versions stays fresh: the delay until a new version is served. */
  readonly listingTtlSeconds: number;
  readonly now?: () => number;
}

interface Listing {
  readonly entries: readonly StoredVersion[];
  readonly versions: readonly string[];
  /** The models that were resolved from it, by version. */
  readonly models: Map<string, PublishedModel>;
  readonly readAt: number;
}

/** Largest number of cached listings and of cached manifests, which limits their memory. */
const MAX_ENTRIES = 1000;
/** Largest age of a listing that does not contain the requested version. */
const RELIST_AFTER_MS = 1000;

export function createCatalog(store: ModelStore, options: CatalogOptions): Catalog {
  const { listingTtlSeconds, now = Date.now } = options;
  const listings = new LruMap<string, Listing>(MAX_ENTRIES);
  /** By revision, which is immutable, so a manifest never becomes stale. */
  const manifests = new LruMap<string, Manifest>(MAX_ENTRIES);

  function freshListing(name: string, maxAgeMs: number): Listing | undefined {
    const listing = listings.get(name);
    return listing && now() - listing.readAt < maxAgeMs ? listing : undefined;
  }

  async function readListing(name: string): Promise<Listing> {
    const entries = await store.versions(name);
    const versions = entries.map(({ version }) => version);
    const listing: Listing = { entries, versions, models: new Map(), readAt: now() };
    if (versions.length === 0) listings.delete(name);
    else listings.set(name, listing);
    return listing;
  }

  async function manifestOf(id: ModelId, key: string): Promise<Manifest> {
    const manifest = await readManifest(store, id);
    manifests.set(key, manifest);
    return manifest;
  }

  function recall(name: string, version?: string): PublishedModel | undefined {
    const listing = freshListing(name, listingTtlSeconds * 1000);
    return listing?.models.get(version ?? listing.versions[0] ?? "");
  }

  return {
    list: () => store.list(),
    forget: (name) => listings.delete(name),
    recall,
    async resolve(name, version) {
      const recalled = recall(name, version);
      if (recalled) return recalled;
      parseModelName(name);
      if (version !== undefined) parseModelVersion(name, version);
      let listing = freshListing(name, listingTtlSeconds * 1000) ?? (await readListing(name));
      if (!choose(listing, version) && now() - listing.readAt >= RELIST_AFTER_MS)
        listing = freshListing(name, RELIST_AFTER_MS) ?? (await readListing(name));
      const { versions } = listing;
      if (versions.length === 0)
        throw new ApiError("model_not_found", `No model named "${name}" has been published.`);
      const chosen = choose(listing, version);
      if (!chosen)
        throw new ApiError(
          "version_not_found",
          `Model "${name}" has no version ${version}: its versions are ${versions.join(", ")}.`,
          { details: { versions } },
        );
      const id = { name, version: chosen.version };
      const { revision } = chosen;
      const key = `${name}/${chosen.version}/${revision}`;
      const manifest = manifests.get(key) ?? (await manifestOf(id, key));
      const model = { ...id, versions, manifest, revision };
      listing.models.set(id.version, model);
      return model;
    },
  };
}

/** The requested version, by default the newest one. */
function choose({ entries }: Listing, version: string | undefined): StoredVersion | undefined {
  return version === undefined ? entries[0] : entries.find((entry) => entry.version === version);
}

async function readManifest(store: ModelStore, id: ModelId): Promise<Manifest> {
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
