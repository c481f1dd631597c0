import { KEY_BYTES, keyAt } from "./request-key.ts";

/** Keys to be found in lists of concatenated ones, by their first four bytes. */
export class WantedKeys {
  readonly #byStart = new Map<number, Set<string>>();

  constructor(keys: Iterable<string>) {
    for (const key of keys) {
      const start = startOf(key);
      const known = this.#byStart.get(start);
      if (known) known.add(key);
      else this.#byStart.set(start, new Set([key]));
    }
  }

  get isEmpty(): boolean {
    return this.#byStart.size === 0;
  }

  delete(key: string): void {
    const start = startOf(key);
    const known = this.#byStart.get(start);
    known?.delete(key);
    if (known?.size === 0) this.#byStart.delete(start);
  }

  /** Their places in a list. */
  *placesIn(list: ArrayBuffer): Generator<{ readonly key: string; readonly index: number }> {
    const bytes = new Uint8Array(list);
    const view = new DataView(list);
    for (let offset = 0; offset + KEY_BYTES <= bytes.byteLength; offset += KEY_BYTES) {
      const known = this.#byStart.get(view.getUint32(offset));
      if (!known) continue;
      const index = offset / KEY_BYTES;
      const key = keyAt(bytes, index);
      if (known.has(key)) yield { key, index };
    }
  }
}

function startOf(key: string): number {
  return Number.parseInt(key.slice(0, 8), 16);
}
