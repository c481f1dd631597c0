import { ApiError } from "../domain/errors.ts";
import type { Manifest } from "../domain/manifest.ts";
import { type ModelId, parseModelName, parseModelVersion } from "../domain/model-id.ts";
import type { KnownProfile } from "../domain/monitoring/reference-profile.ts";
import type { ListedVersion, ModelStore, StoredVersion } from "../domain/ports.ts";
import type { PublishedModel, RoutedModel } from "../domain/published-model.ts";
import { NO_ROUTING, type Routing, tombstoneOf, versionsOf } from "../domain/routing.ts";
import { LruMap } from "../shared/lru-map.ts";
import { createModelListing, type ModelListing } from "./model-listing.ts";
import { MissingManifest, readPublication } from "./read-manifest.ts";
import { type ReadRouting, readRouting } from "./routing/read-routing.ts";
import { createUnknownNames } from "./unknown-names.ts";

/** Resolves names and versions to published models. Caches listings, routings and manifests of the store. */
export interface Catalog extends Pick<ModelListing, "list"> {
  /**
   * @param version the newest one when left out
   * @throws ApiError `model_not_found`, `version_not_found`, `model_corrupt`, `storage_failed`
   */
  resolve(name: string, version?: string): Promise<PublishedModel>;
  /** The result of `resolve`, if it is cached. */
  recall(name: string, version?: string): PublishedModel | undefined;
  /**
   * What is known of a model.
   * @param maxAgeMs read again if it was read before; by default it is fresh for the lifetime of a listing
   * @throws ApiError `model_not_found`, `storage_failed`
   */
  find(name: string, maxAgeMs?: number): Promise<KnownModel>;
  /** The result of `find`, if it is cached. */
  peek(name: string): KnownModel | undefined;
  /** What was known of a model last, however long ago: for what has begun since. */
  lastKnown(name: string): KnownModel | undefined;
  /** A version of a model, whose manifest is read if it is not cached; @throws ApiError as {@link resolve} */
  version(model: KnownModel, version: string | undefined): Promise<PublishedModel>;
  /** The manifest of a listed version, if it is cached. */
  peekManifest(version: ListedVersion): Manifest | undefined;
  /** Drops what is cached about a model, because this isolate has changed it. */
  forget(name: string): void;
}

/** @returns `undefined` for none that can be used; it never fails */
export type ReadProfile = (
  manifest: Manifest,
  etag: string,
) => Promise<KnownProfile | undefined> | KnownProfile | undefined;

export interface CatalogOptions {
  /** How long a listing of versions stays fresh: the delay until a new version is served. */
  readonly listingTtlSeconds: number;
  readonly now?: () => number;
  /** Reads the reference profile of a version, which a listing says that there is. */
  readonly readProfile?: ReadProfile;
}

/** What the catalog knows of a model as long as its listing is fresh. */
export interface KnownModel {
  readonly name: string;
  /** Newest first, without those that were deleted. */
  readonly versions: readonly string[];
  /** The same as they are stored. */
  readonly entries: readonly StoredVersion[];
  /** The error for a routing that cannot be read: versions are served all the same. */
  readonly routing: Routing | ApiError;
  /** The versions that were resolved. */
  readonly models: Map<string, PublishedModel>;
  /** The same for aliases, by alias and version: for the router. */
  readonly routed: Map<string, RoutedModel>;
}

interface Listing extends KnownModel {
  readonly readAt: number;
}

/** Largest number of cached listings and of cached manifests, which limits their memory. */
const MAX_ENTRIES = 1000;
/** Largest age of a listing that does not contain the requested version. */
export const RELIST_AFTER_MS = 1000;
/** A routing that changes between its listing and its reading is read again. */
const MAX_LISTINGS = 3;

export function createCatalog(store: ModelStore, options: CatalogOptions): Catalog {
  const { listingTtlSeconds, now = Date.now, readProfile } = options;
  const ttlMs = listingTtlSeconds * 1000;
  const listings = new LruMap<string, Listing>(MAX_ENTRIES);
  /** By revision, which is immutable, so a manifest never becomes stale. */
  const manifests = new LruMap<string, Manifest>(MAX_ENTRIES);
  /** By model, with the entity tag by which a listing tells whether it is current. */
  const routings = new LruMap<string, ReadRouting>(MAX_ENTRIES);
  /** Counts changes of this isolate. */
  let changes = 0;
  const all = createModelListing(store, { ttlMs, now });
  const unknown = createUnknownNames(all, { ttlMs, now });

  function freshListing(name: string, maxAgeMs: number): Listing | undefined {
    const listing = listings.get(name);
    return listing && now() - listing.readAt < maxAgeMs ? listing : undefined;
  }

  async function readListing(name: string): Promise<Listing> {
    const before = changes;
    if (await unknown.has(name)) throw modelNotFound(name);
    const listing = await list(name);
    if (listing.versions.length > 0) {
      // One that was read before a change of this isolate is not kept.
      if (changes === before) listings.set(name, listing);
      return listing;
    }
    listings.delete(name);
    if (changes === before) unknown.add(name);
    throw modelNotFound(name);
  }

  /** The versions and the routing as they were at one moment: routes lead to versions that are listed. */
  async function list(name: string): Promise<Listing> {
    for (let count = 1; ; count++) {
      const readAt = now();
      const { versions: stored, routingEtag } = await store.listing(name);
      if (stored.length === 0) return toListing(name, stored, NO_ROUTING, readAt);
      const read = await routingOf(name, routingEtag);
      if (read instanceof ApiError) return toUnrouted(name, stored, read, readAt);
      const listing = toListing(name, stored, read.routing, readAt);
      const isConsistent = read.etag === routingEtag && hasVersionsOf(listing, read.routing);
      if (isConsistent || count === MAX_LISTINGS) return listing;
    }
  }

  /**
   * A model whose routing cannot be read: its versions are served by their numbers, except those that are known to be deleted.
   * @throws ApiError the error, unless it lasts, if nothing is known of deleted versions
   */
  function toUnrouted(
    name: string,
    stored: readonly StoredVersion[],
    error: ApiError,
    readAt: number,
  ): Listing {
    const isLasting = error.code === "routing_corrupt";
    const before = routings.get(name)?.routing;
    if (!isLasting && !before) throw error;
    // What storage failed to return is read again soon.
    const age = isLasting ? 0 : Math.max(0, ttlMs - RELIST_AFTER_MS);
    return { ...toListing(name, stored, before ?? NO_ROUTING, readAt - age), routing: error };
  }

  /** The routing, read only when it is another one than before. */
  async function routingOf(
    name: string,
    etag: string | undefined,
  ): Promise<ReadRouting | ApiError> {
    if (etag === undefined) return { routing: NO_ROUTING, etag };
    const known = routings.get(name);
    if (known?.etag === etag) return known;
    try {
      const read = await readRouting(store, name);
      routings.set(name, read);
      return read;
    } catch (error) {
      if (error instanceof ApiError) return error;
      throw error;
    }
  }

  /** What was published under a revision, or since. */
  async function publicationOf(
    id: ModelId,
    revision: string,
  ): Promise<Pick<PublishedModel, "manifest" | "revision">> {
    const manifest = manifests.get(manifestKey(id, revision));
    if (manifest) return { manifest, revision };
    const read = await readPublication(store, id);
    manifests.set(manifestKey(id, read.revision), read.manifest);
    return read;
  }

  function recall(name: string, version?: string): PublishedModel | undefined {
    const listing = freshListing(name, ttlMs);
    return listing?.models.get(version ?? listing.versions[0] ?? "");
  }

  async function find(name: string, maxAgeMs = ttlMs): Promise<Listing> {
    const known = freshListing(name, maxAgeMs);
    if (known) return known;
    parseModelName(name);
    return readListing(name);
  }

  async function versionOf(listing: Listing, version: string | undefined): Promise<PublishedModel> {
    const { name, versions, models } = listing;
    const chosen = choose(listing, version);
    if (!chosen)
      throw new ApiError(
        "version_not_found",
        `Model "${name}" has no version ${version}: its versions are ${versions.join(", ")}.`,
        { details: { versions } },
      );
    const known = models.get(chosen.version);
    if (known) return known;
    const id = { name, version: chosen.version };
    const { manifest, revision } = await publicationOf(id, chosen.revision);
    const { profileEtag, backgroundEtag }: Partial<StoredVersion> =
      revision === chosen.revision ? chosen : {};
    const profile =
      profileEtag === undefined ? undefined : await readProfile?.(manifest, profileEtag);
    const model = {
      ...id,
      versions,
      manifest,
      revision,
      ...(profile && { profile }),
      ...(backgroundEtag !== undefined && { backgroundEtag }),
    };
    models.set(id.version, model);
    return model;
  }

  return {
    list: all.list,
    forget(name) {
      changes += 1;
      listings.delete(name);
      unknown.delete(name);
      all.forget();
    },
    recall,
    find,
    peek: (name) => freshListing(name, ttlMs),
    lastKnown: (name) => listings.peek(name),
    version: (model, version) => versionOf(model as Listing, version),
    peekManifest: (version) => manifests.peek(manifestKey(version, version.revision)),
    async resolve(name, version) {
      const recalled = recall(name, version);
      if (recalled) return recalled;
      parseModelName(name);
      if (version !== undefined) parseModelVersion(name, version);
      return withCurrentListing(
        async () => {
          let listing = await find(name);
          if (!choose(listing, version) && now() - listing.readAt >= RELIST_AFTER_MS)
            listing = await find(name, RELIST_AFTER_MS);
          return versionOf(listing, version);
        },
        () => find(name, 0),
      );
    },
  };
}

/**
 * Resolves by a listing that may be older than a deletion; by a new one if it is.
 * @param relist reads it again
 */
export async function withCurrentListing<T>(
  resolve: () => Promise<T>,
  relist: () => Promise<unknown>,
): Promise<T> {
  try {
    return await resolve();
  } catch (error) {
    if (!(error instanceof MissingManifest)) throw error;
    await relist();
    return resolve();
  }
}

function toListing(
  name: string,
  stored: readonly StoredVersion[],
  routing: Routing,
  readAt: number,
): Listing {
  const entries = stored.filter(({ version }) => !tombstoneOf(routing, version));
  const versions = entries.map(({ version }) => version);
  return { name, entries, versions, routing, models: new Map(), routed: new Map(), readAt };
}

function hasVersionsOf({ versions }: KnownModel, { aliases }: Routing): boolean {
  return Object.values(aliases).every((route) =>
    versionsOf(route).every((version) => versions.includes(version)),
  );
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
