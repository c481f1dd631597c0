import {
  type CacheAddress,
  type CachedPrediction,
  type CacheTier,
  type CacheTierName,
  isInScope,
  type PurgeLog,
  type PurgeScope,
} from "../domain/cache.ts";
import type { CacheReport } from "../domain/cache-control.ts";
import { decodeEntry, encodeEntry } from "../domain/cache-entry.ts";
import type { WaitUntil } from "../domain/ports.ts";
import { settlesWithin } from "../domain/settles-within.ts";
import { toTensorBytes } from "../domain/tensor-bytes.ts";
import { createIsolateCache } from "./isolate-cache.ts";

export interface PredictionCacheOptions {
  /** What the answers of this isolate may take; 0 switches its tier off. */
  readonly isolateBytes: number;
  /** Larger answers are not stored. */
  readonly maxEntryBytes: number;
  /** A tier that takes longer to read counts as a miss. */
  readonly readTimeoutMs: number;
  readonly now?: () => number;
}

export interface Lookup {
  readonly address: CacheAddress;
  /** Older answers are of no use. */
  readonly maxAgeSeconds: number;
  /** Whether the tiers outside the isolate are asked as well. */
  readonly outward: boolean;
  readonly ttlSeconds: number;
}

export interface PurgeSummary {
  readonly at: string;
  /** Answers dropped, by tier; those of other isolates and data centres are dropped when they are asked. */
  readonly dropped: { readonly isolate: number; readonly kv: number };
}

/** The tiers as one: reads go outward, writes happen after the response, failures cost a miss. */
export interface PredictionCache {
  /** The answer, noted in the report with its tier; else the report has the reason. */
  find(
    lookup: Lookup,
    report: CacheReport,
    waitUntil: WaitUntil,
  ): Promise<CachedPrediction | undefined>;
  store(
    entry: CachedPrediction,
    lookup: Pick<Lookup, "outward" | "ttlSeconds">,
    report: CacheReport,
    waitUntil: WaitUntil,
  ): void;
  purge(scope: PurgeScope): Promise<PurgeSummary>;
  usage(): { readonly limitBytes: number; readonly usedBytes: number; readonly entries: number };
}

/** How long the list of purges is believed: the delay until other isolates obey one. */
const PURGES_TTL_MS = 30_000;

export function createPredictionCache(
  tiers: readonly CacheTier[],
  purgeLog: PurgeLog | undefined,
  options: PredictionCacheOptions,
): PredictionCache {
  const { isolateBytes, maxEntryBytes, readTimeoutMs, now = Date.now } = options;
  const isolate = createIsolateCache(isolateBytes);
  const ownPurges: (PurgeScope & { at: number })[] = [];
  let purges: readonly (PurgeScope & { at: number })[] = [];
  let purgesReadAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;

  function isPurged(entry: CachedPrediction): boolean {
    const matches = (scope: PurgeScope & { at: number }): boolean =>
      entry.createdAt <= scope.at && isInScope(entry, scope);
    return ownPurges.some(matches) || purges.some(matches);
  }

  /** Refreshes the list of purges, once for all who ask. */
  function readPurges(): Promise<void> | undefined {
    if (!purgeLog || now() - purgesReadAt < PURGES_TTL_MS) return undefined;
    reading ??= purgeLog
      .list()
      .then((listed) => {
        purges = listed;
        purgesReadAt = now();
      })
      .finally(() => {
        reading = undefined;
      });
    return reading;
  }

  /** Why an entry is of no use, or `undefined` when it is. */
  function unfit(entry: CachedPrediction, maxAgeSeconds: number): "too-old" | "purged" | undefined {
    if (isPurged(entry)) return "purged";
    return now() - entry.createdAt > maxAgeSeconds * 1000 ? "too-old" : undefined;
  }

  /** @returns the entry of one tier; a failure is noted, and as good as none */
  async function readTier(
    tier: CacheTier,
    address: CacheAddress,
    report: CacheReport,
  ): Promise<{ entry: CachedPrediction; sizeBytes: number } | undefined> {
    const fail = (problem: string): undefined => {
      report.failures.push({ tier: tier.name, problem });
      return undefined;
    };
    try {
      const read = tier.get(address);
      if (!(await settlesWithin(read, readTimeoutMs))) {
        read.catch(() => undefined);
        return fail(`slower than ${readTimeoutMs} ms`);
      }
      const bytes = await read;
      if (!bytes) return undefined;
      const entry = await decodeEntry(bytes, address.key);
      return entry ? { entry, sizeBytes: bytes.byteLength } : fail("not a whole entry");
    } catch (error) {
      return fail(String(error));
    }
  }

  async function writeTiers(
    targets: readonly CacheTier[],
    entry: CachedPrediction,
    ttlSeconds: number,
  ): Promise<void> {
    const bytes = await encodeEntry(entry);
    // A refused write is the next request's miss; there is nobody left to tell.
    await Promise.allSettled(targets.map((tier) => tier.put(entry, bytes, ttlSeconds)));
  }

  function hit(
    entry: CachedPrediction,
    sizeBytes: number,
    tier: CacheTierName,
    ttlSeconds: number,
    report: CacheReport,
  ): CachedPrediction {
    const ageSeconds = Math.max(0, (now() - entry.createdAt) / 1000);
    report.outcome = "hit";
    report.tier = tier;
    report.reason = undefined;
    report.ageSeconds = ageSeconds;
    report.ttlSeconds = Math.max(0, ttlSeconds - ageSeconds);
    report.bytes = sizeBytes;
    report.savedMs = entry.runMs;
    return entry;
  }

  return {
    async find({ address, maxAgeSeconds, outward, ttlSeconds }, report, waitUntil) {
      const stale = readPurges();
      if (stale !== undefined) {
        waitUntil(stale.catch(() => undefined));
        // The first list is waited for: a purge may have been ordered before this isolate began.
        if (purgesReadAt === Number.NEGATIVE_INFINITY) await tolerate(stale, readTimeoutMs);
      }
      const near = isolate.get(address.key);
      report.reason = near ? unfit(near, maxAgeSeconds) : "absent";
      if (near && !report.reason) return hit(near, dataBytes(near), "isolate", ttlSeconds, report);
      if (!outward) return undefined;
      for (const [index, tier] of tiers.entries()) {
        const found = await readTier(tier, address, report);
        if (!found) continue;
        const { entry, sizeBytes } = found;
        const problem = unfit(entry, maxAgeSeconds);
        if (problem) {
          report.reason = problem;
          continue;
        }
        isolate.put(entry, dataBytes(entry));
        const nearer = tiers.slice(0, index);
        const leftSeconds = Math.floor(ttlSeconds - (now() - entry.createdAt) / 1000);
        if (nearer.length > 0 && leftSeconds > 0) waitUntil(writeTiers(nearer, entry, leftSeconds));
        return hit(entry, sizeBytes, tier.name, ttlSeconds, report);
      }
      return undefined;
    },

    store(entry, { outward, ttlSeconds }, report, waitUntil) {
      const sizeBytes = dataBytes(entry);
      if (sizeBytes > maxEntryBytes) return;
      report.stored = true;
      report.ttlSeconds = ttlSeconds;
      report.bytes = sizeBytes;
      isolate.put(entry, sizeBytes);
      if (outward && tiers.length > 0) waitUntil(writeTiers(tiers, entry, ttlSeconds));
    },

    async purge(scope) {
      const at = now();
      ownPurges.push({ ...scope, at });
      const nearDropped = isolate.purge(scope);
      const removed = (await purgeLog?.purge(scope, at))?.removed ?? [];
      const nearer = tiers.filter(({ name }) => name !== "kv");
      await Promise.allSettled(
        removed.flatMap((address) => nearer.map((tier) => tier.delete(address))),
      );
      return {
        at: new Date(at).toISOString(),
        dropped: { isolate: nearDropped, kv: removed.length },
      };
    },

    usage: () => ({
      limitBytes: isolateBytes,
      usedBytes: isolate.usedBytes,
      entries: isolate.entries,
    }),
  };
}

function dataBytes({ outputs }: CachedPrediction): number {
  return outputs.reduce((sum, tensor) => sum + toTensorBytes(tensor).byteLength, 0);
}

/** Waits for a promise, but not long, and not for its failure. */
async function tolerate(promise: Promise<unknown>, milliseconds: number): Promise<void> {
  try {
    await settlesWithin(promise, milliseconds);
  } catch {
    // Without the list the entries are judged by what is known.
  }
}
