import {
  type CacheAddress,
  type CachedPrediction,
  isInScope,
  type Purge,
  type PurgeLog,
  type PurgeResult,
  type PurgeScope,
} from "../domain/cache.ts";
import type { WaitUntil } from "../domain/call.ts";
import { settlesWithin } from "../shared/settles-within.ts";

/** What has been purged, here and by other isolates: answers from before must not be used again. */
export interface PurgeList {
  /** Whether the log has ever been read; nothing that came from elsewhere is to be trusted before. */
  readonly known: boolean;
  /**
   * Reads the log again when that is due.
   * @returns `undefined` while what was read may be believed, else a promise to wait for, which is
   *   fulfilled soon whatever happens: with what went wrong, if anything did
   */
  refresh(waitUntil: WaitUntil): Promise<string | undefined> | undefined;
  /** Whether a purge was ordered after the entry was made, of what it holds or of what is asked for. */
  covers(entry: CachedPrediction, asked: Pick<CacheAddress, "model" | "client">): boolean;
  /**
   * Obeyed by this isolate from now on, and by the others once they read the log.
   * @throws ApiError `storage_failed`
   */
  order(scope: PurgeScope, at: number): Promise<PurgeResult>;
}

/** What was read is believed for this long: the delay until other isolates obey a purge. */
const BELIEVED_MS = 30_000;
/** Read again from this age on, so that in steady traffic nobody has to wait for it. */
const REFRESH_FROM_MS = 20_000;
/** After a failure, and while a reading hangs, nobody else waits or tries for so long. */
const RETRY_AFTER_MS = 10_000;

/** @param patienceMs how long a request waits for the log */
export function createPurgeList(
  log: PurgeLog | undefined,
  patienceMs: number,
  now: () => number,
): PurgeList {
  /** By scope: KV may take a minute to list what this isolate ordered. */
  const own = new Map<string, Purge>();
  let listed: readonly Purge[] = [];
  let readAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<string | undefined> = Promise.resolve(undefined);

  async function read(source: PurgeLog): Promise<string | undefined> {
    try {
      const startedAt = now();
      const purges = await source.list();
      // One that hung may end after the one that replaced it.
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
    if (await settlesWithin(reading, patienceMs)) return reading;
    return `the list of purges: slower than ${patienceMs} ms`;
  }

  return {
    get known() {
      return log === undefined || readAt > Number.NEGATIVE_INFINITY;
    },

    refresh(waitUntil) {
      const age = now() - readAt;
      if (!log || age < REFRESH_FROM_MS) return undefined;
      const sinceTried = now() - triedAt;
      if (sinceTried >= RETRY_AFTER_MS) {
        triedAt = now();
        reading = read(log);
        waitUntil(reading);
      }
      const believed = age < BELIEVED_MS;
      const givenUp = sinceTried >= patienceMs && sinceTried < RETRY_AFTER_MS;
      return believed || givenUp ? undefined : wait();
    },

    covers(entry, asked) {
      if (own.size === 0 && listed.length === 0) return false;
      const matches = (purge: Purge): boolean =>
        entry.createdAt <= purge.at && (isInScope(entry, purge) || isInScope(asked, purge));
      return listed.some(matches) || own.values().some(matches);
    },

    async order(scope, at) {
      own.set(toKey(scope), { ...scope, at });
      return (await log?.purge(scope, at)) ?? { removed: [], complete: true };
    },
  };
}

function toKey({ model, version, client }: PurgeScope): string {
  return JSON.stringify([model, version, client]);
}
