import type { CacheAddress, CacheEntry, EntryInventory, PurgeScope } from "../../domain/cache.ts";
import { fromPartition } from "../../domain/cache-partition.ts";
import { type DataSelector, toPurgeScope } from "../../domain/data-selector.ts";
import type { ErasureIndex } from "../../domain/erasure-index.ts";
import type { PersonalDataStore, Remainder } from "../personal-data-store.ts";

/** The cache of predictions, as far as an erasure needs it. */
export interface ErasableCache {
  /** Removes from memory, and has no isolate use what is older than now; returns how many entries were removed. */
  forget(scope: PurgeScope): Promise<number>;
  /** Removes from the tiers that cannot be listed, where this data center has them. */
  removeUnlisted(addresses: readonly CacheAddress[]): Promise<void>;
  findLocally(scope: PurgeScope): readonly CacheEntry[];
  /** Removes from memory what was erased in other isolates. */
  learnPurges(): Promise<void>;
}

export interface PredictionsOptions {
  readonly cache: ErasableCache;
  /** Of KV; `undefined` without that tier. */
  readonly inventory: EntryInventory | undefined;
  /** Whether entries without a subject are in the Cache API as well. */
  readonly usesDatacenter: boolean;
  /** The entry that the bytes of a tier are. */
  readonly decode: (bytes: Uint8Array, key: string) => Promise<CacheEntry | undefined>;
  readonly now?: () => number;
}

/** The most entries of a page: each of them is a deletion. */
const PAGE = 200;
/** A daily run looks for what was stored late. */
const SWEPT_WITHIN_MS = 2 * 86_400_000;
/** Cursor of the first page in KV, when the memory of this isolate has been looked at. */
const REMOTE = "kv:";

/** Cached predictions: in the memory of isolates with the requests beside them, in the Cache API, and in KV. */
export function createPredictionsData({
  cache,
  inventory,
  usesDatacenter,
  decode,
  now = Date.now,
}: PredictionsOptions): PersonalDataStore {
  /** What this isolate cannot remove. None of it is used any more. */
  function remainsOf({ kind }: DataSelector, expiresAt: number | undefined): Remainder[] {
    const remains: Remainder[] = [];
    if (!inventory)
      remains.push({
        what: "entries in the memory of other isolates, until those end: without the binding CACHE they do not learn of the erasure",
      });
    if (inventory)
      remains.push({
        what: "entries that KV did not list yet, because they were stored within the last minute, which no isolate uses; a daily run deletes them",
        until: new Date(now() + SWEPT_WITHIN_MS).toISOString(),
      });
    if (usesDatacenter && kind !== "subject" && expiresAt !== undefined)
      remains.push({
        what: "copies in the Cache API of other data centers, which no isolate uses any more",
        until: new Date(expiresAt).toISOString(),
      });
    return remains;
  }

  async function removePage(
    scope: PurgeScope,
    cursor: string | undefined,
    limit: number,
    isErased: (address: CacheAddress) => boolean = () => true,
  ) {
    if (!inventory) return { erased: 0, spent: 0, cursor: undefined, expiresAt: undefined };
    const page = await inventory.find(scope, { limit, cursor });
    const found = page.found.filter(isErased);
    await cache.removeUnlisted(found);
    await inventory.delete(found);
    return { ...page, erased: found.length, spent: 1 + found.length };
  }

  return {
    name: "predictions",

    async erase(selector, { cursor, budget }) {
      const scope = toPurgeScope(selector);
      if (cursor === undefined) {
        budget.spend(1);
        const erased = await cache.forget(scope);
        // Without KV that was all.
        const next = inventory ? REMOTE : undefined;
        return { erased, cursor: next, remains: remainsOf(selector, undefined) };
      }
      const limit = Math.max(1, Math.min(PAGE, budget.operations));
      const page = await removePage(scope, cursor.slice(REMOTE.length) || undefined, limit);
      budget.spend(page.spent);
      return {
        erased: page.erased,
        cursor: page.cursor === undefined ? undefined : REMOTE + page.cursor,
        remains: remainsOf(selector, page.expiresAt),
      };
    },

    async sweep(erasures, { cursor, budget }) {
      const limit = Math.max(1, Math.min(PAGE, budget.operations));
      const page = await removePage({}, cursor, limit, (address) => isErased(address, erasures));
      budget.spend(page.spent);
      return { erased: page.erased, cursor: page.cursor };
    },

    async export(selector, { cursor, budget }) {
      const scope = toPurgeScope(selector);
      if (cursor === undefined) {
        await cache.learnPurges();
        const items = cache.findLocally(scope).map((entry) => toItem("isolate", entry));
        budget.spend(0, sizeOf(items));
        return { items, cursor: inventory ? REMOTE : undefined };
      }
      if (!inventory) return { items: [] };
      const limit = Math.max(1, Math.min(PAGE, budget.operations));
      const position = cursor.slice(REMOTE.length) || undefined;
      const page = await inventory.find(scope, { limit, cursor: position });
      const items: object[] = [];
      for (const address of page.found) {
        const bytes = await inventory.get(address);
        const entry = bytes && (await decode(bytes, address.key));
        if (entry) items.push(toItem("kv", entry));
        budget.spend(1, bytes?.byteLength);
      }
      budget.spend(1);
      return { items, cursor: page.cursor === undefined ? undefined : REMOTE + page.cursor };
    },
  };
}

function isErased(address: CacheAddress, erasures: ErasureIndex): boolean {
  const { client, origin, createdAt } = address;
  // An entry of an earlier release has neither.
  if (!origin || createdAt === undefined) return false;
  const owner = client === undefined ? undefined : fromPartition(client);
  return erasures.covers({
    principals: [owner?.principal, origin.principal],
    subject: owner?.subject,
    request: origin.request,
    createdAt,
  });
}

/** An entry as JSON. It holds no input, but for the prompt that an answer repeats. */
function toItem(tier: string, entry: CacheEntry): object {
  const { model, createdAt, outputs, answer } = entry;
  return {
    tier,
    model: model.name,
    version: model.version,
    createdAt: new Date(createdAt).toISOString(),
    ...(outputs.length > 0 && {
      outputs: outputs.map(({ data, ...spec }) => ({ ...spec, data: Array.from(data, toJson) })),
    }),
    ...(answer && { answer: JSON.parse(new TextDecoder().decode(answer)) }),
  };
}

function toJson(value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

function sizeOf(items: readonly object[]): number {
  return JSON.stringify(items).length;
}
