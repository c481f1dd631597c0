import { ApiError } from "../domain/errors.ts";
import type { Manifest } from "../domain/manifest.ts";
import { type ModelId, parseModelName, parseModelVersion } from "../domain/model-id.ts";
import type { ListedVersion, ModelStore, StoredVersion } from "../domain/ports.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import { LruMap } from "../shared/lru-map.ts";
import { createModelListing, type ModelListing } from "./model-listing.ts";
import { readManifest } from "./read-manifest.ts";
import { createUnknownNames } from "./unknown-names.ts";

/** Resolves names and versions to published models. Caches listings and manifests of the store. */
export interface Catalog extends Pick<ModelListing, "list"> {
  /**
   * @param version the newest one when left out
   * @throws ApiError `model_not_found`, `version_not_found`, `model_corrupt`, `storage_failed`
   */
  resolve(name: string, version?: string): Promise<PublishedModel>;
  /** The result of `resolve`, if it is cached. */
  recall(name: string, version?: string): PublishedModel | undefined;
  /** The manifest of a listed version, if it is cached. */
  peekManifest(version: ListedVersion): Manifest | undefined;
  /** Drops what is cached about a model, because this isolate has changed it. */
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
  const ttlMs = listingTtlSeconds * 1000;
  const listings = new LruMap<string, Listing>(MAX_ENTRIES);
  /** By revision, which is immutable, so a manifest never becomes stale. */
  const manifests = new LruMap<string, Manifest>(MAX_ENTRIES);
  const all = createModelListing(store, { ttlMs, now });
  const unknown = createUnknownNames(all, { ttlMs, now });

  function freshListing(name: string, maxAgeMs: number): Listing | undefined {
    const listing = listings.get(name);
    return listing && now() - listing.readAt < maxAgeMs ? listing : undefined;
  }

  async function readListing(name: string): Promise<Listing> {
    if (await unknown.has(name)) throw modelNotFound(name);
    const entries = await store.versions(name);
    const versions = entries.map(({ version }) => version);
    const listing: Listing = { entries, versions, models: new Map(), readAt: now() };
    if (versions.length > 0) {
      listings.set(name, listing);
      return listing;
    }
    listings.delete(name);
    unknown.add(name);
    throw modelNotFound(name);
  }

  async function manifestOf(id: ModelId, revision: string): Promise<Manifest> {
    const key = manifestKey(id, revision);
    const known = manifests.get(key);
    if (known) return known;
    const manifest = await readManifest(store, id);
    manifests.set(key, manifest);
    return manifest;
  }

  function recall(name: string, version?: string): PublishedModel | undefined {
    const listing = freshListing(name, ttlMs);
    return listing?.models.get(version ?? listing.versions[0] ?? "");
  }

  return {
    list: all.list,
    forget(name) {
      listings.delete(name);
      unknown.delete(name);
      all.forget();
    },
    recall,
    peekManifest: (version) => manifests.peek(manifestKey(version, version.revision)),
    async resolve(name, version) {
      const recalled = recall(name, version);
      if (recalled) return recalled;
      parseModelName(name);
      if (version !== undefined) parseModelVersion(name, version);
      let listing = freshListing(name, ttlMs) ?? (await readListing(name));
      if (!choose(listing, version) && now() - listing.readAt >= RELIST_AFTER_MS)
        listing = freshListing(name, RELIST_AFTER_MS) ?? (await readListing(name));
      const { versions } = listing;
      const chosen = choose(listing, version);
      if (!chosen)
        throw new ApiError(
          "version_not_found",
          `Model "${name}" has no version ${version}: its versions are ${versions.join(", ")}.`,
          { details: { versions } },
        );
      const id = { name, version: chosen.version };
      const { revision } = chosen;
      const manifest = await manifestOf(id, revision);
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

function manifestKey({ name, version }: ModelId, revision: string): string {
  return `${name}/${version}/${revision}`;
}

function modelNotFound(name: string): ApiError {
  return new ApiError("model_not_found", `No model named "${name}" has been published.`);
}
