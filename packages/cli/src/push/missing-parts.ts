/** A range of bytes of a file; `end` is the first one that does not belong to it. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The parts that are left to send.
 * @param received what the server has, in any order; both ends belong to a range, as in `content-range`
 */
export function missingParts(
  sizeBytes: number,
  received: readonly (readonly [first: number, last: number])[],
  partBytes: number,
): ByteRange[] {
  const parts: ByteRange[] = [];
  const add = (from: number, to: number): void => {
    for (let start = from; start < to; start += partBytes)
      parts.push({ start, end: Math.min(start + partBytes, to) });
  };
  let next = 0;
  for (const [first, last] of [...received].sort(([a], [b]) => a - b)) {
    add(next, first);
    next = Math.max(next, last + 1);
  }
  add(next, sizeBytes);
  return parts;
}
