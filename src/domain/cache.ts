import { fromPartition } from "./cache-partition.ts";
import type { ModelId } from "./model-id.ts";
import type { Tensor } from "./tensor.ts";

/**
 * The tiers of the cache, in the order in which they are read: the local one in the memory of the isolate, then the remote
 * ones.
 */
export const CACHE_TIERS = ["isolate", "datacenter", "kv"] as const;
export type CacheTierName = (typeof CACHE_TIERS)[number];

/** The request that an entry was computed for, by which it is erased; others may have used it since. */
export interface EntryOrigin {
  /** The id of its principal. */
  readonly principal: string;
  /** The hash of its id. */
  readonly request: string;
}

/** The outputs of one run, or the answer of a task that generates. It holds no input. */
export interface CacheEntry {
  readonly key: string;
  readonly model: ModelId;
  /** The partition of those whose requests may use it: the id of a principal, with the hash of a subject; `undefined` for all. */
  readonly client: string | undefined;
  /** Unknown of entries of earlier releases. */
  readonly origin?: EntryOrigin | undefined;
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
  /** Known of what is stored, not of what is looked up. */
  readonly origin?: EntryOrigin | undefined;
  /** As of an entry, and known of what is stored. */
  readonly createdAt?: number | undefined;
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
  /** The id of a principal: entries that only its requests may use, with and without subjects. */
  readonly client?: string | undefined;
  /** The id of a principal: entries that only its requests may use, and those that were computed for them. */
  readonly principal?: string | undefined;
  /** The hash of a subject. */
  readonly subject?: string | undefined;
  /** The hash of a request's id. */
  readonly request?: string | undefined;
}

/** Whether a purge removes an entry. */
export function isInScope(
  { model, client, origin }: Pick<CacheAddress, "model" | "client" | "origin">,
  scope: PurgeScope,
): boolean {
  const { principal, subject, request } = scope;
  if (scope.model !== undefined && scope.model !== model.name) return false;
  if (scope.version !== undefined && scope.version !== model.version) return false;
  if (request !== undefined && request !== origin?.request) return false;
  if (scope.client === undefined && principal === undefined && subject === undefined) return true;
  const owner = client === undefined ? undefined : fromPartition(client);
  return (
    (scope.client === undefined || scope.client === owner?.principal) &&
    (subject === undefined || subject === owner?.subject) &&
    (principal === undefined || principal === owner?.principal || principal === origin?.principal)
  );
}

/** What belongs to somebody and to a request. */
export interface OwnedData {
  /** The id of the principal. */
  readonly principal: string;
  /** The hash of the subject. */
  readonly subject: string | undefined;
  /** The hash of the request's id. */
  readonly request: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** Whether a purge is an erasure of what belongs to somebody or to a request. */
export function isErasure({ principal, subject, request }: PurgeScope): boolean {
  return principal !== undefined || subject !== undefined || request !== undefined;
}

/** Identifies a scope: a later purge of the same scope replaces the earlier. */
export function scopeKey(scope: PurgeScope): string {
  const { model, version, client, principal, subject, request } = scope;
  return JSON.stringify([model, version, client, principal, subject, request]);
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
  /**
   * Stores a purge for every isolate, and removes nothing.
   * @throws ApiError `storage_failed`
   */
  record(scope: PurgeScope, at: number): Promise<void>;
  /** Purges that may still matter, of every isolate. */
  list(): Promise<readonly Purge[]>;
}

export interface PurgeResult {
  /** The removed entries, for the tiers that are read earlier to remove them as well. */
  readonly removed: readonly CacheAddress[];
  /** Whether all entries were removed; the others are not used, and are removed by another purge or expire. */
  readonly complete: boolean;
}

/** What a remote tier that can be listed has stored. Its methods fail with the errors of the storage. */
export interface EntryInventory {
  /** A page of the entries in a scope. */
  find(scope: PurgeScope, options: EntryPageOptions): Promise<EntryPage>;
  get(address: CacheAddress): Promise<Uint8Array | undefined>;
  /** Those that do not exist are deleted already. */
  delete(addresses: readonly CacheAddress[]): Promise<void>;
}

export interface EntryPageOptions {
  /** The most entries of a page. */
  readonly limit: number;
  /** Of the page before; the first one when left out. */
  readonly cursor?: string | undefined;
}

export interface EntryPage {
  readonly found: readonly CacheAddress[];
  /** When the last of them expires, in milliseconds since the epoch. */
  readonly expiresAt: number | undefined;
  /** Where to go on; `undefined` at the end. */
  readonly cursor: string | undefined;
}
