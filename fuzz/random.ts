/** A deterministic source of choices: the same seed gives the same sequence on every machine. */
export interface Random {
  /** From 0, less than 1. */
  next(): number;
  /** An integer from 0, less than `limit`. */
  below(limit: number): number;
  chance(probability: number): boolean;
  /** @throws Error when the list is empty */
  pick<T>(items: readonly T[]): T;
  /** An item, as often as its weight is large. */
  pickWeighted<T extends { readonly weight: number }>(items: readonly T[]): T;
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

export function createRandom(...seed: readonly (string | number)[]): Random {
  let state = hash(seed.join("\0"));

  /** mulberry32: 32 bits of state, which is enough for a sequence of a few hundred choices. */
  function next(): number {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  const below = (limit: number): number => Math.floor(next() * limit);

  return {
    next,
    below,
    chance: (probability) => next() < probability,
    pick(items) {
      if (items.length === 0) throw new Error("nothing to pick from");
      return items[below(items.length)] as (typeof items)[number];
    },
    pickWeighted(items) {
      let rest = next() * items.reduce((sum, { weight }) => sum + weight, 0);
      const picked = items.find(({ weight }) => {
        rest -= weight;
        return rest < 0;
      });
      const item = picked ?? items.at(-1);
      if (item === undefined) throw new Error("nothing to pick from");
      return item;
    },
    bytes: (length) => Uint8Array.from({ length }, () => below(256)),
  };
}

/** FNV-1a, with the final mixing of MurmurHash3, so that near seeds give distant states. */
function hash(text: string): number {
  let value = 0x81_1c_9d_c5;
  for (let index = 0; index < text.length; index++)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01_00_01_93);
  value = Math.imul(value ^ (value >>> 16), 0x85_eb_ca_6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2_b2_ae_35);
  return value ^ (value >>> 16);
}
