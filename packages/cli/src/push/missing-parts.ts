import { type ByteRange, mergeRanges, missingRanges } from "../../../../src/domain/byte-ranges.ts";

/**
 * The parts that are left to send.
 * @param received what the server has, in any order
 */
export function missingParts(
  sizeBytes: number,
  received: readonly ByteRange[],
  partBytes: number,
): ByteRange[] {
  const parts: ByteRange[] = [];
  for (const missing of missingRanges(mergeRanges(received), sizeBytes))
    for (let { start } = missing; start <= missing.end; start += partBytes)
      parts.push({ start, end: Math.min(start + partBytes - 1, missing.end) });
  return parts;
}
