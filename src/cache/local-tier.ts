import { type CacheEntry, isInScope, type PurgeScope } from "../domain/cache.ts";
import type { CachedResponse } from "../domain/cached-response.ts";
import { LruMap } from "../shared/lru-map.ts";
import type { FoundEntry } from "./lookup.ts";

/** A response created from an entry, and the exact bytes of its request. */
interface StoredResponse {
  readonly request: string;
  readonly response: CachedResponse;
}

/** An entry, and the last response that was created from it. */
export interface LocalEntry extends FoundEntry {
  readonly tier: "isolate";
  readonly stored: StoredResponse | undefined;
}

/** The tier in the memory of this isolate: the least recently used entries are evicted first. */
export interface LocalTier {
  get(key: string): LocalEntry | undefined;
  /** The entry with a stored response to exactly this request. */
  getByRequest(request: string): LocalEntry | undefined;
  /** Returns whether the entry fits. */
  put(entry: CacheEntry, sizeBytes: number): boolean;
  /**
   * Stores a response for as long as its entry, in place of an earlier one. Without effect when it does not fit, or when the
   * tier does not have that entry any more.
   */
  putResponse(entry: CacheEntry, request: string, response: CachedResponse): void;
  delete(key: string): void;
  /** Returns how many entries were removed. */
  purge(scope: PurgeScope): number;
  /** {@link purge} for what any condition selects. */
  removeWhere(condition: (entry: CacheEntry) => boolean): number;
  /** Drops the stored responses, with the requests that they belong to, of all entries. */
  dropResponses(): void;
  /** The entries in a scope, each once. */
  find(scope: PurgeScope): readonly CacheEntry[];
  /** Of memory, estimated. */
  readonly usedBytes: number;
  readonly entries: number;
}

/** What an entry takes beside its tensors, roughly: keys, objects, map slots. */
const OVERHEAD_BYTES = 512;
/** What the headers of a response take, roughly. */
const HEADERS_BYTES = 1024;
/** What a string takes beside its characters, of which each may take 2 bytes. */
const STRING_BYTES = 32;

interface Slot extends LocalEntry {
  /** Of the entry without its response. */
  readonly entryBytes: number;
}

export function createLocalTier(limitBytes: number): LocalTier {
  /** By request: each of them is in `slots` as well. */
  const byRequest = new Map<string, Slot>();
  const slots = new LruMap<string, Slot>(limitBytes, {
    onRemove: (slot) => {
      const { stored } = slot;
      if (stored && byRequest.get(stored.request) === slot) byRequest.delete(stored.request);
    },
  });

  function removeWhere(condition: (entry: CacheEntry) => boolean): number {
    const removed = [...slots.values()].filter(({ entry }) => condition(entry));
    for (const { entry } of removed) slots.delete(entry.key);
    return removed.length;
  }

  return {
    get: (key) => slots.get(key),
    getByRequest(request) {
      const slot = byRequest.get(request);
      return slot && slots.get(slot.entry.key);
    },
    put(entry, sizeBytes) {
      const entryBytes = toEntryBytes(entry);
      const slot: Slot = { entry, tier: "isolate", sizeBytes, entryBytes, stored: undefined };
      return slots.set(entry.key, slot, entryBytes);
    },
    putResponse(entry, request, response) {
      const slot = slots.peek(entry.key);
      if (slot?.entry !== entry) return;
      const memoryBytes = slot.entryBytes + toResponseBytes(request, response);
      if (memoryBytes > limitBytes) return;
      const withResponse: Slot = { ...slot, stored: { request, response } };
      slots.set(entry.key, withResponse, memoryBytes);
      byRequest.set(request, withResponse);
    },
    delete: (key) => void slots.delete(key),
    purge: (scope) => removeWhere((entry) => isInScope(entry, scope)),
    removeWhere,
    dropResponses() {
      for (const slot of [...slots.values()])
        if (slot.stored) slots.set(slot.entry.key, { ...slot, stored: undefined }, slot.entryBytes);
    },
    find: (scope) =>
      [...slots.values()].map(({ entry }) => entry).filter((entry) => isInScope(entry, scope)),
    get usedBytes() {
      return slots.weight;
    },
    get entries() {
      return slots.size;
    },
  };
}

function toEntryBytes({ outputs, answer }: CacheEntry): number {
  let sum = OVERHEAD_BYTES + (answer?.byteLength ?? 0);
  for (const { datatype, data } of outputs)
    if (datatype !== "BYTES") sum += data.byteLength;
    else for (const text of data) sum += STRING_BYTES + 2 * text.length;
  return sum;
}

function toResponseBytes(request: string, { body }: CachedResponse): number {
  return OVERHEAD_BYTES + HEADERS_BYTES + request.length + body.byteLength;
}
