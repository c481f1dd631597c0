import type {
  CacheAddress,
  CachedPrediction,
  CacheTier,
  CacheTierName,
  PurgeLog,
  PurgeScope,
} from "../domain/cache.ts";
import type { CachePolicy, CacheReport, MissReason } from "../domain/cache-control.ts";
import type { WaitUntil } from "../domain/call.ts";
import type { FinishedAnswer } from "../domain/finished-answer.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import { toTensorBytes } from "../domain/tensor-bytes.ts";
import { settlesWithin } from "../shared/settles-within.ts";
import { decodeEntry, encodeEntry } from "./entry.ts";
import { createIsolateCache, type IsolateCache } from "./isolate-cache.ts";
import { createPurgeList } from "./purge-list.ts";

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
  /** Older answers are of no use to this request. */
  readonly maxAgeSeconds: number;
  /** Older answers are of no use to anybody. */
  readonly ttlSeconds: number;
  /** Whether the tiers outside the isolate are asked as well. */
  readonly outward: boolean;
}

/** What a request asks of the cache. */
export function toLookup(
  { name, version, manifest }: Pick<PublishedModel, "name" | "version" | "manifest">,
  { maxAgeSeconds }: CachePolicy,
  question: {
    readonly key: string;
    readonly client?: string | undefined;
    readonly outward: boolean;
  },
): Lookup {
  const { ttlSeconds } = manifest.cache;
  const { key, client, outward } = question;
  return {
    address: { key, model: { name, version }, client },
    maxAgeSeconds: Math.min(ttlSeconds, maxAgeSeconds ?? ttlSeconds),
    ttlSeconds,
    outward,
  };
}

/** An answer that was found, or has just been computed. */
export interface Answer {
  readonly entry: CachedPrediction;
  /** Where it was found; `undefined` when it was computed. */
  readonly tier: CacheTierName | undefined;
  readonly sizeBytes: number;
}

export interface PurgeSummary {
  readonly at: string;
  /** Answers dropped, by tier; those of other isolates and data centres are dropped when they are asked. */
  readonly dropped: { readonly isolate: number; readonly kv: number };
  /** Whether all that KV has in the scope was dropped; what it still has is not used. */
  readonly complete: boolean;
}

export interface CacheUsage {
  readonly limitBytes: number;
  readonly usedBytes: number;
  readonly entries: number;
}

/** The tiers as one: reads go outward, writes happen after the response, failures cost a miss. */
export interface PredictionCache extends Pick<IsolateCache, "keepRendering"> {
  /**
   * To be called before anything is taken from the cache.
   * @returns a promise to wait for when it is not known what other isolates have purged lately
   */
  prepare(report: CacheReport, waitUntil: WaitUntil): Promise<void> | undefined;
  /** The answer that this isolate has, if {@link accept} takes it. */
  findNear(lookup: Lookup, report: CacheReport): Answer | undefined;
  /** Whether there is a finished answer for exactly that request, whatever its age. */
  hasRendering(request: string): boolean;
  /**
   * The finished answer for exactly that request, if {@link accept} takes the entry it was made of;
   * what it does not take is left to {@link findNear}, which tells why.
   */
  findRendering(
    request: string,
    toLookup: (key: string) => Lookup,
    report: CacheReport,
  ): FinishedAnswer | undefined;
  /** The answer of the nearest tier outside that has one which {@link accept} takes. */
  findFar(lookup: Lookup, report: CacheReport, waitUntil: WaitUntil): Promise<Answer | undefined>;
  /** Notes in the report that the answer is used, or why it can't be. */
  accept(answer: Answer, lookup: Lookup, report: CacheReport): boolean;
  store(entry: CachedPrediction, lookup: Lookup, report: CacheReport, waitUntil: WaitUntil): Answer;
  /** @throws ApiError `storage_failed` when other isolates cannot learn of it */
  purge(scope: PurgeScope): Promise<PurgeSummary>;
  usage(): CacheUsage;
  /** Writes that tiers refused since the isolate began. */
  failedWrites(): Readonly<Record<string, number>>;
}

export function createPredictionCache(
  tiers: readonly CacheTier[],
  purgeLog: PurgeLog | undefined,
  options: PredictionCacheOptions,
): PredictionCache {
  const { isolateBytes, maxEntryBytes, readTimeoutMs, now = Date.now } = options;
  const isolate = createIsolateCache(isolateBytes);
  const purges = createPurgeList(purgeLog, readTimeoutMs, now);
  const failedWrites = Object.fromEntries(tiers.map(({ name }) => [name, 0]));

  /** Why an entry is of no use, or `undefined` when it is. */
  function unfit(
    entry: CachedPrediction,
    { address, maxAgeSeconds, ttlSeconds }: Lookup,
  ): MissReason | undefined {
    if (purges.covers(entry, address)) return "purged";
    const ageMs = now() - entry.createdAt;
    if (ageMs > ttlSeconds * 1000) return "expired";
    return ageMs > maxAgeSeconds * 1000 ? "too-old" : undefined;
  }

  function accept({ entry, tier, sizeBytes }: Answer, lookup: Lookup, report: CacheReport) {
    const { ttlSeconds } = lookup;
    const reason = unfit(entry, lookup);
    report.reason = reason;
    if (reason) return false;
    const ageSeconds = Math.max(0, (now() - entry.createdAt) / 1000);
    report.ttlSeconds = Math.max(0, ttlSeconds - ageSeconds);
    report.bytes = sizeBytes;
    if (!tier) return true;
    report.outcome = "hit";
    report.tier = tier;
    report.ageSeconds = ageSeconds;
    report.savedMs = entry.runMs;
    return true;
  }

  /** @returns the answer of one tier; a failure is noted, and as good as none */
  async function readTier(
    tier: CacheTier,
    address: CacheAddress,
    report: CacheReport,
  ): Promise<Answer | undefined> {
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
      if (!entry) return fail("not a whole entry");
      return { entry, tier: tier.name, sizeBytes: bytes.byteLength };
    } catch (error) {
      return fail(String(error));
    }
  }

  async function writeTiers(
    targets: readonly CacheTier[],
    entry: CachedPrediction,
    ttlSeconds: number,
  ): Promise<void> {
    await afterResponse();
    if (purges.covers(entry, entry)) return;
    const bytes = await encodeEntry(entry);
    await Promise.all(
      targets.map(async (tier) => {
        try {
          await tier.put(entry, bytes, ttlSeconds);
        } catch {
          // The next request's miss; there is nobody left to tell.
          failedWrites[tier.name] = (failedWrites[tier.name] ?? 0) + 1;
        }
      }),
    );
  }

  return {
    accept,
    keepRendering: isolate.keepRendering,
    hasRendering: (request) => isolate.findRendering(request) !== undefined,

    findRendering(request, toLookup, report) {
      const rendering = isolate.findRendering(request);
      const found = rendering && isolate.get(rendering.key);
      if (!found || !accept({ ...found, tier: "isolate" }, toLookup(rendering.key), report))
        return undefined;
      report.key = rendering.key;
      return rendering.answer;
    },

    prepare(report, waitUntil) {
      return purges.refresh(waitUntil)?.then((problem) => {
        if (problem !== undefined) report.failures.push({ tier: "kv", problem });
      });
    },

    findNear(lookup, report) {
      const found = isolate.get(lookup.address.key);
      if (!found) {
        report.reason = "absent";
        return undefined;
      }
      const answer: Answer = { ...found, tier: "isolate" };
      if (accept(answer, lookup, report)) return answer;
      if (report.reason !== "too-old") isolate.delete(lookup.address.key);
      return undefined;
    },

    async findFar(lookup, report, waitUntil) {
      for (const [index, tier] of tiers.entries()) {
        const found = await readTier(tier, lookup.address, report);
        if (!found) continue;
        if (!purges.known) {
          const problem = "not used: what has been purged is not known";
          report.failures.push({ tier: tier.name, problem });
          continue;
        }
        if (!accept(found, lookup, report)) continue;
        const { entry } = found;
        isolate.put(entry, dataBytes(entry));
        const leftSeconds = Math.floor(report.ttlSeconds ?? 0);
        if (index > 0 && leftSeconds > 0)
          waitUntil(writeTiers(tiers.slice(0, index), entry, leftSeconds));
        return found;
      }
      return undefined;
    },

    store(entry, { outward, ttlSeconds }, report, waitUntil) {
      const sizeBytes = dataBytes(entry);
      const answer: Answer = { entry, tier: undefined, sizeBytes };
      if (sizeBytes > maxEntryBytes) return answer;
      const isNear = isolate.put(entry, sizeBytes);
      const isFar = outward && tiers.length > 0;
      if (isFar) waitUntil(writeTiers(tiers, entry, ttlSeconds));
      if (!isNear && !isFar) return answer;
      report.stored = true;
      report.ttlSeconds = ttlSeconds;
      report.bytes = sizeBytes;
      return answer;
    },

    async purge(scope) {
      const at = now();
      const isolateDropped = isolate.purge(scope);
      const { removed, complete } = await purges.order(scope, at);
      const nearer = tiers.filter(({ name }) => name !== "kv");
      await Promise.allSettled(
        removed.flatMap((address) => nearer.map(async (tier) => tier.delete(address))),
      );
      return {
        at: new Date(at).toISOString(),
        dropped: { isolate: isolateDropped, kv: removed.length },
        complete,
      };
    },

    usage: () => ({
      limitBytes: isolateBytes,
      usedBytes: isolate.usedBytes,
      entries: isolate.entries,
    }),
    failedWrites: () => ({ ...failedWrites }),
  };
}

/** A new task begins when those under way, the answer of this request among them, can go no further. */
function afterResponse(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

function dataBytes({ outputs }: CachedPrediction): number {
  let sum = 0;
  for (const tensor of outputs) sum += toTensorBytes(tensor).byteLength;
  return sum;
}
