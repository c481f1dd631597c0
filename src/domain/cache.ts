import type { ModelId } from "./model-id.ts";
import type { Tensor } from "./tensor.ts";

/** The tiers of the prediction cache, from the nearest outward. */
export const CACHE_TIERS = ["isolate", "datacenter", "kv"] as const;
export type CacheTierName = (typeof CACHE_TIERS)[number];

/** An answer that was computed once. It holds no input. */
export interface CachedPrediction {
  readonly key: string;
  readonly model: ModelId;
  /** Who may see it; `undefined` for everybody. */
  readonly client: string | undefined;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** What the run took, which a hit saves. */
  readonly runMs: number;
  readonly outputs: readonly Tensor[];
}

/** Where an entry is found in a tier that is shared: its key, and what a purge goes by. */
export interface CacheAddress {
  readonly key: string;
  readonly model: ModelId;
  readonly client: string | undefined;
}

/** A tier outside the isolate. Whatever it does wrong costs a miss and nothing else. */
export interface CacheTier {
  readonly name: Exclude<CacheTierName, "isolate">;
  get(address: CacheAddress): Promise<Uint8Array | undefined>;
  put(address: CacheAddress, value: Uint8Array, ttlSeconds: number): Promise<void>;
  delete(address: CacheAddress): Promise<void>;
}

/** Which answers a purge is about; all of them when nothing is named. */
export interface PurgeScope {
  readonly model?: string | undefined;
  /** Only together with `model`. */
  readonly version?: string | undefined;
  readonly client?: string | undefined;
}

/** Whether an entry is one that a purge is about. */
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

/** A purge that was ordered: answers in its scope are not used if they are not newer. */
export interface Purge extends PurgeScope {
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** The purges that have been ordered, so that what was stored before them is not used again. */
export interface PurgeLog {
  /**
   * Writes a purge down for every isolate, and removes what it can from storage.
   * @throws ApiError `storage_failed` when it could not be written down
   */
  purge(scope: PurgeScope, at: number): Promise<PurgeResult>;
  /** Purges that may still matter, from every isolate. */
  list(): Promise<readonly Purge[]>;
}

export interface PurgeResult {
  /** Where the removed entries were, so that nearer tiers can drop them as well. */
  readonly removed: readonly CacheAddress[];
  /** Whether that was everything; what is left is not used, and goes with a further purge or its ttl. */
  readonly complete: boolean;
}
