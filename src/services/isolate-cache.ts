import { type CachedPrediction, isInScope, type PurgeScope } from "../domain/cache.ts";

/** The innermost tier: the answers of this isolate, the least recently used dropped first. */
export interface IsolateCache {
  get(key: string): CachedPrediction | undefined;
  put(entry: CachedPrediction, sizeBytes: number): void;
  /** Answers how many were dropped. */
  purge(scope: PurgeScope): number;
  readonly usedBytes: number;
  readonly entries: number;
}

/** What an entry costs beside its tensors, roughly: keys, objects, map slots. */
const OVERHEAD_BYTES = 512;

export function createIsolateCache(limitBytes: number): IsolateCache {
  const slots = new Map<string, { entry: CachedPrediction; sizeBytes: number }>();
  let usedBytes = 0;

  function remove(key: string): void {
    usedBytes -= slots.get(key)?.sizeBytes ?? 0;
    slots.delete(key);
  }

  return {
    get(key) {
      const slot = slots.get(key);
      if (!slot) return undefined;
      // A map keeps the order of insertion: the oldest use comes first.
      slots.delete(key);
      slots.set(key, slot);
      return slot.entry;
    },
    put(entry, dataBytes) {
      const sizeBytes = dataBytes + OVERHEAD_BYTES;
      remove(entry.key);
      if (sizeBytes > limitBytes) return;
      slots.set(entry.key, { entry, sizeBytes });
      usedBytes += sizeBytes;
      for (const [key] of slots) {
        if (usedBytes <= limitBytes) break;
        remove(key);
      }
    },
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
