import { type CachedPrediction, isInScope, type PurgeScope } from "../domain/cache.ts";
import type { FinishedAnswer } from "../domain/finished-answer.ts";
import type { Tensor } from "../domain/tensor.ts";

export interface IsolateEntry {
  readonly entry: CachedPrediction;
  /** Of the data of its outputs. */
  readonly sizeBytes: number;
}

/** A finished answer made of an entry, and the request that it answers, byte by byte. */
export interface Rendering {
  readonly request: string;
  readonly answer: FinishedAnswer;
}

/** The innermost tier: the answers of this isolate, the least recently used dropped first. */
export interface IsolateCache {
  get(key: string): IsolateEntry | undefined;
  /** The rendering for exactly that request, with the key of the entry beside which it lies. */
  findRendering(request: string): (Rendering & { readonly key: string }) | undefined;
  /**
   * Keeps a rendering for as long as the entry; of several the last. Nothing is kept when the entry of
   * that key is not, or no longer, the one whose tensors were rendered.
   */
  keepRendering(key: string, rendered: readonly Tensor[], rendering: Rendering): void;
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
/** What the headers of an answer cost, roughly. */
const HEADERS_BYTES = 1024;
/** What a string costs beside its characters, of which each may take 2 bytes. */
const STRING_BYTES = 32;

interface Slot extends IsolateEntry {
  /** With the rendering. */
  memoryBytes: number;
  rendering?: Rendering & { readonly key: string };
}

export function createIsolateCache(limitBytes: number): IsolateCache {
  const slots = new Map<string, Slot>();
  /** By request: nothing is in here that is not in its entry's slot. */
  const renderings = new Map<string, Rendering & { readonly key: string }>();
  let usedBytes = 0;
  /** The key used last. */
  let newest: string | undefined;

  function remove(key: string): void {
    const slot = slots.get(key);
    if (!slot) return;
    dropRendering(slot);
    usedBytes -= slot.memoryBytes;
    slots.delete(key);
  }

  function dropRendering(slot: Slot): void {
    if (!slot.rendering) return;
    const memoryBytes = toRenderingBytes(slot.rendering);
    renderings.delete(slot.rendering.request);
    delete slot.rendering;
    slot.memoryBytes -= memoryBytes;
    usedBytes -= memoryBytes;
  }

  function shrink(): void {
    for (const key of slots.keys()) {
      if (usedBytes <= limitBytes) break;
      remove(key);
    }
  }

  return {
    get(key) {
      const slot = slots.get(key);
      if (!slot || key === newest) return slot;
      // A map keeps the order of insertion: the oldest use comes first.
      slots.delete(key);
      slots.set(key, slot);
      newest = key;
      return slot;
    },
    put(entry, sizeBytes) {
      const memoryBytes = toMemoryBytes(entry);
      remove(entry.key);
      if (memoryBytes > limitBytes) return false;
      slots.set(entry.key, { entry, sizeBytes, memoryBytes });
      newest = entry.key;
      usedBytes += memoryBytes;
      shrink();
      return true;
    },
    findRendering: (request) => renderings.get(request),
    keepRendering(key, rendered, rendering) {
      const slot = slots.get(key);
      if (!slot || !rendered.every((tensor) => slot.entry.outputs.includes(tensor))) return;
      dropRendering(slot);
      const memoryBytes = toRenderingBytes(rendering);
      if (slot.memoryBytes + memoryBytes > limitBytes) return;
      slot.rendering = { ...rendering, key };
      renderings.set(rendering.request, slot.rendering);
      slot.memoryBytes += memoryBytes;
      usedBytes += memoryBytes;
      shrink();
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

function toRenderingBytes({ request, answer }: Rendering): number {
  return OVERHEAD_BYTES + HEADERS_BYTES + request.length + answer.body.byteLength;
}
