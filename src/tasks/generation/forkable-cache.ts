import { type CacheBlock, cacheNames } from "../../domain/blocks/postprocess/text-generation.ts";
import type { Lease } from "../../domain/ports.ts";
import { elementCount } from "../../domain/tensor.ts";
import type { RunOutput, TensorBinding, TensorHandle } from "../../domain/tensor-handle.ts";
import { bindings } from "./key-value-cache.ts";

/**
 * The keys and values of a text that may be continued in several ways, in the heap of a leased model, with which they are released at
 * the latest. Runs read and write them where they are: none of their bytes is copied to JavaScript.
 */
export interface ForkableCache {
  /** What the next run reads. */
  readonly feeds: readonly TensorBinding[];
  /** Where the next run puts the cache that it returns. */
  readonly outputs: readonly RunOutput[];
  /** @param handles the results of `outputs` */
  advance(handles: readonly TensorHandle[]): void;
  /** The same keys and values for another text. Those that a run returns are never written again, so they are shared. */
  fork(): ForkableCache;
  dispose(): void;
}

/**
 * An empty cache.
 * @param tokens that it must have room for
 * @throws ApiError `out_of_memory` when it does not fit
 */
export function createForkableCache(
  lease: Lease,
  block: CacheBlock,
  tokens: number,
): ForkableCache {
  const { form, heads, headSize, datatype } = block;
  const pasts = cacheNames(block, block.past);
  const presents = cacheNames(block, block.present);
  const length = form === "in-place" ? tokens : 0;
  const handles = pasts.map((name) => lease.allocate(name, datatype, [1, heads, length, headSize]));
  return form === "in-place"
    ? new CacheInPlace(lease, pasts, presents, handles)
    : new GrowingCache(pasts, presents, new SharedHandles(handles));
}

/** Tensors that are released by the last of their owners. */
class SharedHandles {
  readonly handles: readonly TensorHandle[];
  #owners = 1;

  constructor(handles: readonly TensorHandle[]) {
    this.handles = handles;
  }

  share(): this {
    this.#owners += 1;
    return this;
  }

  release(): void {
    this.#owners -= 1;
    if (this.#owners === 0) for (const handle of this.handles) handle.dispose();
  }
}

class GrowingCache implements ForkableCache {
  readonly outputs: readonly RunOutput[];
  readonly #pasts: readonly string[];
  readonly #presents: readonly string[];
  #kept: SharedHandles;

  constructor(pasts: readonly string[], presents: readonly string[], kept: SharedHandles) {
    this.#pasts = pasts;
    this.#presents = presents;
    this.#kept = kept;
    this.outputs = presents.map((name) => ({ name, keep: true }));
  }

  get feeds(): readonly TensorBinding[] {
    return bindings(this.#pasts, this.#kept.handles);
  }

  advance(handles: readonly TensorHandle[]): void {
    this.#kept.release();
    this.#kept = new SharedHandles(handles);
  }

  fork(): ForkableCache {
    return new GrowingCache(this.#pasts, this.#presents, this.#kept.share());
  }

  dispose(): void {
    this.#kept.release();
  }
}

class CacheInPlace implements ForkableCache {
  readonly feeds: readonly TensorBinding[];
  readonly outputs: readonly TensorBinding[];
  readonly #lease: Lease;
  readonly #pasts: readonly string[];
  readonly #presents: readonly string[];
  readonly #handles: readonly TensorHandle[];

  constructor(
    lease: Lease,
    pasts: readonly string[],
    presents: readonly string[],
    handles: readonly TensorHandle[],
  ) {
    this.#lease = lease;
    this.#pasts = pasts;
    this.#presents = presents;
    this.#handles = handles;
    this.feeds = bindings(pasts, handles);
    this.outputs = bindings(presents, handles);
  }

  advance(): void {}

  /** Runs write to it, so it is copied. */
  fork(): ForkableCache {
    const copies = this.#handles.map((handle) => {
      const { name, datatype, shape } = handle;
      const copy = this.#lease.allocate(name, datatype, shape);
      const elements = elementCount(shape);
      const whole = { start: 0, stride: elements };
      this.#lease.copy(handle, copy, { blocks: 1, elements, from: whole, to: whole });
      return copy;
    });
    return new CacheInPlace(this.#lease, this.#pasts, this.#presents, copies);
  }

  dispose(): void {
    for (const handle of this.#handles) handle.dispose();
  }
}
