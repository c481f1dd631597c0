export interface LruMapOptions<V> {
  /** Called with each value that the map no longer has: evicted, deleted or replaced. */
  readonly onRemove?: (value: V) => void;
}

interface Slot<V> {
  readonly value: V;
  readonly weight: number;
}

/**
 * A map whose values weigh no more than a limit together: the least recently used one is evicted first. Where every value
 * weighs 1, the limit is a number of entries.
 */
export class LruMap<K, V> {
  readonly limit: number;
  readonly #onRemove: ((value: V) => void) | undefined;
  /** A map keeps the order of insertion: the least recently used entry comes first. */
  readonly #slots = new Map<K, Slot<V>>();
  /** The most recently used entry, which need not be moved when it is used again. */
  #newest: Slot<V> | undefined;
  #weight = 0;

  constructor(limit: number, { onRemove }: LruMapOptions<V> = {}) {
    this.limit = limit;
    this.#onRemove = onRemove;
  }

  get size(): number {
    return this.#slots.size;
  }

  /** Of all values together. */
  get weight(): number {
    return this.#weight;
  }

  /** Marks the entry as the most recently used one. */
  get(key: K): V | undefined {
    const slot = this.#slots.get(key);
    if (!slot) return undefined;
    if (slot !== this.#newest) {
      this.#slots.delete(key);
      this.#slots.set(key, slot);
      this.#newest = slot;
    }
    return slot.value;
  }

  has(key: K): boolean {
    return this.#slots.has(key);
  }

  /** {@link get} without marking the entry as used. */
  peek(key: K): V | undefined {
    return this.#slots.get(key)?.value;
  }

  /**
   * Adds or replaces an entry, and evicts others until all fit.
   * @returns false for a value heavier than the limit: the key has no value then
   */
  set(key: K, value: V, weight = 1): boolean {
    this.delete(key);
    if (weight > this.limit) return false;
    const slot = { value, weight };
    this.#slots.set(key, slot);
    this.#newest = slot;
    this.#weight += weight;
    for (const oldest of this.#slots.keys()) {
      if (this.#weight <= this.limit) break;
      this.delete(oldest);
    }
    return true;
  }

  /** Returns whether the map had the key. */
  delete(key: K): boolean {
    const slot = this.#slots.get(key);
    if (!slot) return false;
    this.#slots.delete(key);
    if (slot === this.#newest) this.#newest = undefined;
    this.#weight -= slot.weight;
    this.#onRemove?.(slot.value);
    return true;
  }

  /** The least recently used one first; using entries meanwhile changes the order. */
  *values(): Generator<V> {
    for (const { value } of this.#slots.values()) yield value;
  }

  /** In the order of {@link values}. */
  *entries(): Generator<[key: K, value: V]> {
    for (const [key, { value }] of this.#slots) yield [key, value];
  }
}
