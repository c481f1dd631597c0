import type { Random } from "../random.ts";

/** Bytes that parsers treat in their own way: NUL, BOM, invalid UTF-8, ends of lines, extremes of integers. */
const HOSTILE: readonly (readonly number[])[] = [
  [0],
  [0xff],
  [0x80],
  [0xef, 0xbb, 0xbf],
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xff, 0xff, 0xff, 0xff],
  [0xff, 0xff, 0xff, 0x7f],
  [0, 0, 0, 0x80],
  [0x0d, 0x0a],
  [0x0d, 0x0a, 0x0d, 0x0a],
];
const LARGEST_RUN = 64;

/** Changes bytes in one to three places, whatever they mean. */
export function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  let result = bytes;
  for (let left = 1 + random.below(3); left > 0; left--) result = mutateOnce(result, random);
  return result;
}

function mutateOnce(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length + 1);
  const end = Math.min(bytes.length, at + random.below(LARGEST_RUN));
  const head = bytes.subarray(0, at);
  switch (random.below(7)) {
    case 0:
    case 1:
      return flipBits(bytes, random);
    case 2:
      return head;
    case 3:
      return Buffer.concat([head, bytes.subarray(end)]);
    case 4:
      return Buffer.concat([head, bytes.subarray(at, end), bytes.subarray(at)]);
    case 5:
      return Buffer.concat([head, Uint8Array.from(random.pick(HOSTILE)), bytes.subarray(at)]);
    default:
      return overwrite(bytes, at, Uint8Array.from(random.pick(HOSTILE)));
  }
}

function flipBits(bytes: Uint8Array, random: Random): Uint8Array {
  const result = Uint8Array.from(bytes);
  for (let left = 1 + random.below(8); left > 0 && result.length > 0; left--) {
    const at = random.below(result.length);
    result[at] = (result[at] ?? 0) ^ (1 << random.below(8));
  }
  return result;
}

export function overwrite(bytes: Uint8Array, at: number, replacement: Uint8Array): Uint8Array {
  const result = Uint8Array.from(bytes);
  result.set(replacement.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length));
  return result;
}
