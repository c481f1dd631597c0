import {
  type CacheAddress,
  type CacheEntry,
  type CacheTier,
  isErasure,
  type OwnedData,
  type Purge,
  type PurgeLog,
  type PurgeScope,
} from "../domain/cache.ts";
import type { CacheReport, MissReason } from "../domain/cache-control.ts";
import type { WaitUntil } from "../domain/call.ts";
import { toTensorBytes } from "../domain/tensor-bytes.ts";
import { settlesWithin } from "../shared/settles-within.ts";
import { createLocalTier, type LocalTier } from "./local-tier.ts";
import type { EntryLookup, FoundEntry } from "./lookup.ts";
import { createPurgeIndex } from "./purge-index.ts";
import { createPurgeList } from "./purge-list.ts";
import { createRemoteTiers } from "./remote-tiers.ts";

export interface EntryStoreOptions {
  /** What the local tier may take of the isolate's memory; 0 switches it off. */
  readonly localBytes: number;
  /** Larger entries are not stored. */
  readonly maxEntryBytes: number;
  /** A remote tier that takes longer to read counts as a miss. */
  readonly readTimeoutMs: number;
  /** Called with erasures that other isolates have made, for what else the memory of this one has. */
  readonly onErasures?: (erasures: readonly Purge[]) => Promise<unknown>;
  /** A remote tier that takes longer to write or to delete has failed; ten seconds by default. */
  readonly writeTimeoutMs?: number;
  readonly now?: () => number;
}

export interface PurgeSummary {
  readonly at: string;
  /** Entries removed, by tier; other isolates and data centers remove theirs when they are looked up. */
  readonly dropped: { readonly isolate: number; readonly kv: number };
  /** Whether KV has nothing left in the scope; what it has left is not used. */
  readonly complete: boolean;
}

export interface LocalTierUsage {
  readonly limitBytes: number;
  readonly usedBytes: number;
  readonly entries: number;
}

/**
 * The tiers behind one interface: a remote hit is copied to the tiers read before it, writes to remote tiers happen after
 * the response, failures cost a miss.
 */
export interface EntryStore extends Pick<LocalTier, "getByRequest" | "putResponse"> {
  /**
   * To be called before an entry is looked up.
   * @returns a promise to wait for when the purges of other isolates have not been read lately
   */
  refreshPurges(report: CacheReport, waitUntil: WaitUntil): Promise<void> | undefined;
  /**
   * To be called before what this isolate keeps is shown: reads the purges of other isolates when that is due, and waits until what they name is
   * removed from memory.
   */
  learnPurges(): Promise<void>;
  /** The entry of the local tier, if {@link accept} accepts it. */
  findLocal(lookup: EntryLookup, report: CacheReport): FoundEntry | undefined;
  /** The first entry of the remote tiers that {@link accept} accepts. */
  findRemote(
    lookup: EntryLookup,
    report: CacheReport,
    waitUntil: WaitUntil,
  ): Promise<FoundEntry | undefined>;
  /** Whether the lookup may use the entry; reports the use, or the reason against it. */
  accept(found: FoundEntry, lookup: EntryLookup, report: CacheReport): boolean;
  store(
    entry: CacheEntry,
    lookup: EntryLookup,
    report: CacheReport,
    waitUntil: WaitUntil,
  ): FoundEntry;
  /** @throws ApiError `storage_failed` when other isolates cannot read the purge */
  purge(scope: PurgeScope): Promise<PurgeSummary>;
  /**
   * Has this isolate use nothing in the scope any more that is older than now, and the others once they read the list of purges.
   * What the remote tiers have is not removed.
   * @returns the entries that were removed from the memory of this isolate
   * @throws ApiError `storage_failed` when other isolates cannot read the erasure; this one applies it
   */
  forget(scope: PurgeScope): Promise<number>;
  /** Whether what belongs to somebody or a request was erased since it was created. */
  isErased(data: OwnedData): boolean;
  /** Removes entries from the remote tiers that cannot be listed, where this data center has them. */
  removeUnlisted(addresses: readonly CacheAddress[]): Promise<void>;
  /** The entries in a scope in the memory of this isolate. */
  findLocally(scope: PurgeScope): readonly CacheEntry[];
  usage(): LocalTierUsage;
  /** Writes to remote tiers that failed since the isolate started, by tier. */
  failedWrites(): Readonly<Record<string, number>>;
}

const WRITE_TIMEOUT_MS = 10_000;

/** @param tiers the remote ones, in the order in which they are read */
export function createEntryStore(
  tiers: readonly CacheTier[],
  purgeLog: PurgeLog | undefined,
  options: EntryStoreOptions,
): EntryStore {
  const { localBytes, maxEntryBytes, readTimeoutMs, onErasures, now = Date.now } = options;
  const { writeTimeoutMs = WRITE_TIMEOUT_MS } = options;
  const local = createLocalTier(localBytes);
  const remote = createRemoteTiers(tiers, { readTimeoutMs, writeTimeoutMs });
  const purges = createPurgeList(purgeLog, readTimeoutMs, now, async (news) => {
    const erasures = news.filter(isErasure);
    if (erasures.length === 0) return;
    const index = createPurgeIndex(erasures);
    local.removeWhere((entry) => index.covers(entry, entry));
    dropResponsesFor(erasures);
    await onErasures?.(erasures);
  });

  /** Whose request a stored response belongs to is not known: it is that of a later one than the entry's. */
  function dropResponsesFor(erasures: readonly PurgeScope[]): void {
    if (erasures.some(isErasure)) local.dropResponses();
  }

  function reasonAgainst(entry: CacheEntry, lookup: EntryLookup): MissReason | undefined {
    if (purges.covers(entry, lookup.address)) return "purged";
    const ageMs = now() - entry.createdAt;
    if (ageMs > lookup.ttlSeconds * 1000) return "expired";
    return ageMs > lookup.maxAgeSeconds * 1000 ? "too-old" : undefined;
  }

  function accept(found: FoundEntry, lookup: EntryLookup, report: CacheReport): boolean {
    const { entry, tier, sizeBytes } = found;
    const reason = reasonAgainst(entry, lookup);
    report.reason = reason;
    if (reason) return false;
    const ageSeconds = Math.max(0, (now() - entry.createdAt) / 1000);
    report.ttlSeconds = Math.max(0, lookup.ttlSeconds - ageSeconds);
    report.bytes = sizeBytes;
    if (!tier) return true;
    report.outcome = "hit";
    report.tier = tier;
    report.entry = entry;
    report.ageSeconds = ageSeconds;
    report.savedMs = entry.runMs;
    return true;
  }

  function writeRemote(entry: CacheEntry, ttlSeconds: number, count?: number): Promise<void> {
    return remote.write(entry, ttlSeconds, () => purges.covers(entry, entry), count);
  }

  return {
    accept,
    getByRequest: local.getByRequest,
    putResponse: local.putResponse,

    refreshPurges(report, waitUntil) {
      return purges.refresh(waitUntil)?.then((problem) => {
        if (problem !== undefined) report.failures.push({ tier: "kv", problem });
      });
    },

    async learnPurges() {
      const later: Promise<unknown>[] = [];
      await purges.refresh((work) => void later.push(work));
      await settlesWithin(Promise.allSettled(later), readTimeoutMs);
    },

    findLocal(lookup, report) {
      const found = local.get(lookup.address.key);
      if (!found) {
        report.reason = "absent";
        return undefined;
      }
      if (accept(found, lookup, report)) return found;
      if (report.reason !== "too-old") local.delete(lookup.address.key);
      return undefined;
    },

    async findRemote(lookup, report, waitUntil) {
      const hit = await remote.find(lookup.address, report, (found) => {
        if (purges.isKnown) return accept(found, lookup, report);
        const problem = "not used: what has been purged is not known";
        report.failures.push({ tier: found.tier, problem });
        return false;
      });
      if (!hit) return undefined;
      const { found, position } = hit;
      local.put(found.entry, dataBytes(found.entry));
      const ttlSeconds = Math.floor(report.ttlSeconds ?? 0);
      if (position > 0 && ttlSeconds > 0) waitUntil(writeRemote(found.entry, ttlSeconds, position));
      return found;
    },

    store(entry, { useRemoteTiers, ttlSeconds }, report, waitUntil) {
      const sizeBytes = dataBytes(entry);
      const computed: FoundEntry = { entry, tier: undefined, sizeBytes };
      if (sizeBytes > maxEntryBytes) return computed;
      const isLocal = local.put(entry, sizeBytes);
      const isRemote = useRemoteTiers && remote.count > 0;
      if (isRemote) waitUntil(writeRemote(entry, ttlSeconds));
      if (!isLocal && !isRemote) return computed;
      report.stored = true;
      report.ttlSeconds = ttlSeconds;
      report.bytes = sizeBytes;
      return computed;
    },

    async purge(scope) {
      const at = now();
      const isolate = local.purge(scope);
      const { removed, complete } = await purges.add(scope, at);
      await remote.remove(removed, "kv");
      const dropped = { isolate, kv: removed.length };
      return { at: new Date(at).toISOString(), dropped, complete };
    },

    async forget(scope) {
      const removed = local.purge(scope);
      dropResponsesFor([scope]);
      await purges.record(scope, now());
      return removed;
    },
    isErased: purges.isErased,
    removeUnlisted: (addresses) => remote.remove(addresses, "kv"),
    findLocally: local.find,

    usage: () => ({
      limitBytes: localBytes,
      usedBytes: local.usedBytes,
      entries: local.entries,
    }),
    failedWrites: remote.failedWrites,
  };
}

function dataBytes({ outputs, answer }: CacheEntry): number {
  let sum = answer?.byteLength ?? 0;
  for (const tensor of outputs) sum += toTensorBytes(tensor).byteLength;
  return sum;
}
