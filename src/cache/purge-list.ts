import {
  type CacheAddress,
  type CacheEntry,
  type OwnedData,
  type Purge,
  type PurgeLog,
  type PurgeResult,
  type PurgeScope,
  scopeKey,
} from "../domain/cache.ts";
import type { WaitUntil } from "../domain/call.ts";
import { settlesWithin } from "../shared/settles-within.ts";
import { createPurgeIndex, type PurgeIndex } from "./purge-index.ts";

/** The purges of this isolate and of others: no entry from before them may be used. */
export interface PurgeList {
  /** Whether the log has ever been read; no entry of a remote tier may be used before. */
  readonly isKnown: boolean;
  /**
   * Reads the log again when that is due.
   * @returns `undefined` while the purges read last are fresh, else a promise to wait for, which is fulfilled
   *   soon in any case: with what went wrong, if anything did
   */
  refresh(waitUntil: WaitUntil): Promise<string | undefined> | undefined;
  /** Whether a purge from after the entry's creation has the entry, or the address looked up, in its scope. */
  covers(entry: CacheEntry, address: Pick<CacheAddress, "model" | "client">): boolean;
  /** Whether an erasure from after its creation has it in its scope. */
  isErased(data: OwnedData): boolean;
  /**
   * Applies a purge in this isolate from now on, and in the others once they read the log.
   * @throws ApiError `storage_failed`
   */
  add(scope: PurgeScope, at: number): Promise<PurgeResult>;
  /**
   * {@link add} without the removal of entries from storage.
   * @throws ApiError `storage_failed`
   */
  record(scope: PurgeScope, at: number): Promise<void>;
}

/** How long the purges read last are fresh: the delay until other isolates apply a purge. */
const FRESH_MS = 30_000;
/** Read again from this age on, so that in steady traffic no request waits for it. */
const REFRESH_FROM_MS = 20_000;
/** After a failure, and while a reading hangs, no other request waits or tries again for so long. */
const RETRY_AFTER_MS = 10_000;

/**
 * @param maxWaitMs how long a request waits for the log
 * @param onNews called with the purges that the log has since it was read last; no request waits for it
 */
export function createPurgeList(
  log: PurgeLog | undefined,
  maxWaitMs: number,
  now: () => number,
  onNews: (purges: readonly Purge[]) => Promise<unknown> = async () => undefined,
): PurgeList {
  /** By scope: KV may take a minute to list what this isolate added. */
  const own = new Map<string, Purge>();
  let listed: readonly Purge[] = [];
  let index: PurgeIndex = createPurgeIndex([]);
  let readAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<string | undefined> = Promise.resolve(undefined);

  async function read(source: PurgeLog, waitUntil: WaitUntil): Promise<string | undefined> {
    try {
      const startedAt = now();
      const purges = await source.list();
      // A reading that hung may end after the one that replaced it.
      if (startedAt < readAt) return undefined;
      const news = newPurges(listed, purges);
      listed = merge(listed, purges);
      readAt = startedAt;
      triedAt = Number.NEGATIVE_INFINITY;
      for (const purge of purges)
        if ((own.get(scopeKey(purge))?.at ?? 0) <= purge.at) own.delete(scopeKey(purge));
      rebuild();
      if (news.length > 0) waitUntil(onNews(news));
      return undefined;
    } catch (error) {
      return `the list of purges: ${String(error)}`;
    }
  }

  function rebuild(): void {
    index = createPurgeIndex([...listed, ...own.values()]);
  }

  function apply(scope: PurgeScope, at: number): void {
    own.set(scopeKey(scope), { ...scope, at });
    rebuild();
  }

  async function wait(): Promise<string | undefined> {
    if (await settlesWithin(reading, maxWaitMs)) return reading;
    return `the list of purges: slower than ${maxWaitMs} ms`;
  }

  return {
    get isKnown() {
      return log === undefined || readAt > Number.NEGATIVE_INFINITY;
    },

    refresh(waitUntil) {
      const ageMs = now() - readAt;
      if (!log || ageMs < REFRESH_FROM_MS) return undefined;
      const sinceTriedMs = now() - triedAt;
      if (sinceTriedMs >= RETRY_AFTER_MS) {
        triedAt = now();
        reading = read(log, waitUntil);
        waitUntil(reading);
      }
      const isFresh = ageMs < FRESH_MS;
      const isGivenUp = sinceTriedMs >= maxWaitMs && sinceTriedMs < RETRY_AFTER_MS;
      return isFresh || isGivenUp ? undefined : wait();
    },

    covers: (entry, address) => index.covers(entry, address),
    isErased: (data) => index.isErased(data),

    async record(scope, at) {
      apply(scope, at);
      await log?.record(scope, at);
    },

    async add(scope, at) {
      apply(scope, at);
      return (await log?.purge(scope, at)) ?? { removed: [], complete: true };
    },
  };
}

/** Those that were not listed before, or at an earlier time. */
function newPurges(before: readonly Purge[], after: readonly Purge[]): readonly Purge[] {
  const known = new Map(before.map((purge) => [scopeKey(purge), purge.at]));
  return after.filter(
    (purge) => (known.get(scopeKey(purge)) ?? Number.NEGATIVE_INFINITY) < purge.at,
  );
}

/**
 * The latest purge of each scope that either list has. KV is eventually consistent: a list may lack what an earlier one had, and what was purged
 * stays purged.
 */
function merge(before: readonly Purge[], listed: readonly Purge[]): readonly Purge[] {
  const latest = new Map<string, Purge>();
  for (const purge of [...before, ...listed]) {
    const key = scopeKey(purge);
    if ((latest.get(key)?.at ?? Number.NEGATIVE_INFINITY) <= purge.at) latest.set(key, purge);
  }
  return [...latest.values()];
}
