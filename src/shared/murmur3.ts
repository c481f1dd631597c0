const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

/** MurmurHash3 (x86, 32 bits): https://github.com/aappleby/smhasher. No protection against intended collisions. */
export function murmur3(bytes: Uint8Array, seed = 0): number {
  const { length } = bytes;
  const end = length - (length % 4);
  let hash = seed;
  for (let i = 0; i < end; i += 4) {
    const word =
      at(bytes, i) | (at(bytes, i + 1) << 8) | (at(bytes, i + 2) << 16) | (at(bytes, i + 3) << 24);
    hash ^= mixWord(word);
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  let rest = 0;
  for (let i = length - 1; i >= end; i--) rest = (rest << 8) | at(bytes, i);
  if (end < length) hash ^= mixWord(rest);
  hash ^= length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function mixWord(word: number): number {
  const mixed = Math.imul(word, C1);
  return Math.imul((mixed << 15) | (mixed >>> 17), C2);
}

function at(bytes: Uint8Array, index: number): number {
  return bytes[index] as number;
}
