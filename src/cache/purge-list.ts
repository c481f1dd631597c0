import {
  type CacheAddress,
  type CacheEntry,
  isInScope,
  type Purge,
  type PurgeLog,
  type PurgeResult,
  type PurgeScope,
} from "../domain/cache.ts";
import type { WaitUntil } from "../domain/call.ts";
import { settlesWithin } from "../shared/settles-within.ts";

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
  /**
   * Applies a purge in this isolate from now on, and in the others once they read the log.
   * @throws ApiError `storage_failed`
   */
  add(scope: PurgeScope, at: number): Promise<PurgeResult>;
}

/** How long the purges read last are fresh: the delay until other isolates apply a purge. */
const FRESH_MS = 30_000;
/** Read again from this age on, so that in steady traffic no request waits for it. */
const REFRESH_FROM_MS = 20_000;
/** After a failure, and while a reading hangs, no other request waits or tries again for so long. */
const RETRY_AFTER_MS = 10_000;

/** @param maxWaitMs how long a request waits for the log */
export function createPurgeList(
  log: PurgeLog | undefined,
  maxWaitMs: number,
  now: () => number,
): PurgeList {
  /** By scope: KV may take a minute to list what this isolate added. */
  const own = new Map<string, Purge>();
  let listed: readonly Purge[] = [];
  let readAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<string | undefined> = Promise.resolve(undefined);

  async function read(source: PurgeLog): Promise<string | undefined> {
    try {
      const startedAt = now();
      const purges = await source.list();
      // A reading that hung may end after the one that replaced it.
      if (startedAt < readAt) return undefined;
      listed = purges;
      readAt = startedAt;
      triedAt = Number.NEGATIVE_INFINITY;
      for (const purge of purges)
        if ((own.get(toKey(purge))?.at ?? 0) <= purge.at) own.delete(toKey(purge));
      return undefined;
    } catch (error) {
      return `the list of purges: ${String(error)}`;
    }
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
        reading = read(log);
        waitUntil(reading);
      }
      const isFresh = ageMs < FRESH_MS;
      const isGivenUp = sinceTriedMs >= maxWaitMs && sinceTriedMs < RETRY_AFTER_MS;
      return isFresh || isGivenUp ? undefined : wait();
    },

    covers(entry, address) {
      if (own.size === 0 && listed.length === 0) return false;
      const matches = (purge: Purge): boolean =>
        entry.createdAt <= purge.at && (isInScope(entry, purge) || isInScope(address, purge));
      return listed.some(matches) || own.values().some(matches);
    },

    async add(scope, at) {
      own.set(toKey(scope), { ...scope, at });
      return (await log?.purge(scope, at)) ?? { removed: [], complete: true };
    },
  };
}

function toKey({ model, version, client }: PurgeScope): string {
  return JSON.stringify([model, version, client]);
}
