import type { CacheAddress, CacheEntry, CacheTierName } from "../domain/cache.ts";
import type { CachePolicy } from "../domain/cache-control.ts";
import type { PublishedModel } from "../domain/published-model.ts";

/** An entry that a request looks for. */
export interface EntryLookup {
  readonly address: CacheAddress;
  /** The request does not use older entries. */
  readonly maxAgeSeconds: number;
  /** No request uses older entries. */
  readonly ttlSeconds: number;
  /** Whether the remote tiers are read and written as well. */
  readonly useRemoteTiers: boolean;
}

/** An entry that was found, or has just been computed. */
export interface FoundEntry {
  readonly entry: CacheEntry;
  /** Where it was found; `undefined` when it was computed. */
  readonly tier: CacheTierName | undefined;
  /** Of the data of its outputs or its answer; of an entry of a remote tier with its description. */
  readonly sizeBytes: number;
}

export function toLookup(
  { name, version, manifest }: Pick<PublishedModel, "name" | "version" | "manifest">,
  { maxAgeSeconds }: CachePolicy,
  entry: {
    readonly key: string;
    readonly client?: string | undefined;
    readonly useRemoteTiers: boolean;
  },
): EntryLookup {
  const { ttlSeconds } = manifest.cache;
  const { key, client, useRemoteTiers } = entry;
  return {
    address: { key, model: { name, version }, client },
    maxAgeSeconds: Math.min(ttlSeconds, maxAgeSeconds ?? ttlSeconds),
    ttlSeconds,
    useRemoteTiers,
  };
}
