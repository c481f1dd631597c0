import { type CachedPrediction, isInScope, type PurgeScope } from "../domain/cache.ts";

export interface IsolateEntry {
  readonly entry: CachedPrediction;
  /** Of the data of its outputs. */
  readonly sizeBytes: number;
}

/** The innermost tier: the answers of this isolate, the least recently used dropped first. */
export interface IsolateCache {
  get(key: string): IsolateEntry | undefined;
  /** Answers whether there was room for it. */
  put(entry: CachedPrediction, sizeBytes: number): boolean;
  delete(key: string): void;
  /** Answers how many were dropped. */
  purge(scope: PurgeScope): number;
  /** Of memory, reckoned. */
  readonly usedBytes: number;
  readonly entries: number;
}

/** What an entry costs beside its tensors, roughly: keys, objects, map slots. */
const OVERHEAD_BYTES = 512;
/** What a string costs beside its characters, of which each may take 2 bytes. */
const STRING_BYTES = 32;

export function createIsolateCache(limitBytes: number): IsolateCache {
  const slots = new Map<string, IsolateEntry & { readonly memoryBytes: number }>();
  let usedBytes = 0;

  function remove(key: string): void {
    usedBytes -= slots.get(key)?.memoryBytes ?? 0;
    slots.delete(key);
  }

  return {
    get(key) {
      const slot = slots.get(key);
      if (!slot) return undefined;
      // A map keeps the order of insertion: the oldest use comes first.
      slots.delete(key);
      slots.set(key, slot);
      return slot;
    },
    put(entry, sizeBytes) {
      const memoryBytes = toMemoryBytes(entry);
      remove(entry.key);
      if (memoryBytes > limitBytes) return false;
      slots.set(entry.key, { entry, sizeBytes, memoryBytes });
      usedBytes += memoryBytes;
      for (const key of slots.keys()) {
        if (usedBytes <= limitBytes) break;
        remove(key);
      }
      return true;
    },
    delete: remove,
    purge(scope) {
      const dropped = [...slots.values()].filter(({ entry }) => isInScope(entry, scope));
      for (const { entry } of dropped) remove(entry.key);
      return dropped.length;
    },
    get usedBytes() {
      return usedBytes;
    },
    get entries() {
      return slots.size;
    },
  };
}

function toMemoryBytes({ outputs }: CachedPrediction): number {
  let sum = OVERHEAD_BYTES;
  for (const { datatype, data } of outputs)
    if (datatype !== "BYTES") sum += data.byteLength;
    else for (const text of data) sum += STRING_BYTES + 2 * text.length;
  return sum;
}
