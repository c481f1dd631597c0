import type { ModelId } from "./model-id.ts";
import type { Tensor } from "./tensor.ts";

/**
 * The tiers of the cache, in the order in which they are read: the local one in the memory of the isolate, then the remote
 * ones.
 */
export const CACHE_TIERS = ["isolate", "datacenter", "kv"] as const;
export type CacheTierName = (typeof CACHE_TIERS)[number];

/** The outputs of one run, or the answer of a task that generates. It holds no input. */
export interface CacheEntry {
  readonly key: string;
  readonly model: ModelId;
  /** The id of the principal whose requests may use it; `undefined` for all. */
  readonly client: string | undefined;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** The duration of the run, or of all runs of an answer, which a hit saves. */
  readonly runMs: number;
  /** None of an answer. */
  readonly outputs: readonly Tensor[];
  /** JSON in UTF-8; `undefined` for a run. */
  readonly answer?: Uint8Array | undefined;
}

/** What identifies an entry in a remote tier: its key, and the fields by which it is purged. */
export interface CacheAddress {
  readonly key: string;
  readonly model: ModelId;
  readonly client: string | undefined;
}

/** A remote tier. Its failures count as misses. */
export interface CacheTier {
  readonly name: Exclude<CacheTierName, "isolate">;
  get(address: CacheAddress): Promise<Uint8Array | undefined>;
  put(address: CacheAddress, value: Uint8Array, ttlSeconds: number): Promise<void>;
  delete(address: CacheAddress): Promise<void>;
}

/** Which entries a purge removes; all of them by default. */
export interface PurgeScope {
  readonly model?: string | undefined;
  /** Only together with `model`. */
  readonly version?: string | undefined;
  readonly client?: string | undefined;
}

/** Whether a purge removes an entry. */
export function isInScope(
  { model, client }: Pick<CacheAddress, "model" | "client">,
  scope: PurgeScope,
): boolean {
  return (
    (scope.model === undefined || scope.model === model.name) &&
    (scope.version === undefined || scope.version === model.version) &&
    (scope.client === undefined || scope.client === client)
  );
}

/** A purge: entries in its scope are not used unless they were created after it. */
export interface Purge extends PurgeScope {
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** The purges of every isolate, so that no isolate uses entries from before them. */
export interface PurgeLog {
  /**
   * Stores a purge for every isolate, and removes what it can from storage.
   * @throws ApiError `storage_failed` when the purge could not be stored
   */
  purge(scope: PurgeScope, at: number): Promise<PurgeResult>;
  /** Purges that may still matter, of every isolate. */
  list(): Promise<readonly Purge[]>;
}

export interface PurgeResult {
  /** The removed entries, for the tiers that are read earlier to remove them as well. */
  readonly removed: readonly CacheAddress[];
  /** Whether all entries were removed; the others are not used, and are removed by another purge or expire. */
  readonly complete: boolean;
}
