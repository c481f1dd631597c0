/** Bytes of a file, both ends included, as in `content-range`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Sorted, without overlaps, and as few as possible. */
export function mergeRanges(ranges: readonly ByteRange[]): ByteRange[] {
  const merged: { start: number; end: number }[] = [];
  for (const { start, end } of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last && start <= last.end + 1) last.end = Math.max(last.end, end);
    else merged.push({ start, end });
  }
  return merged;
}

/**
 * What of a file the ranges leave out.
 * @param merged as {@link mergeRanges} returns them
 */
export function missingRanges(merged: readonly ByteRange[], sizeBytes: number): ByteRange[] {
  const missing: ByteRange[] = [];
  let next = 0;
  for (const { start, end } of merged) {
    if (start > next) missing.push({ start: next, end: start - 1 });
    next = end + 1;
  }
  if (next < sizeBytes) missing.push({ start: next, end: sizeBytes - 1 });
  return missing;
}

const MAX_LISTED = 8;

/** `0-99, 200-299`, as `content-range` writes them. */
export function formatRanges(ranges: readonly ByteRange[]): string {
  const listed = ranges.slice(0, MAX_LISTED).map(({ start, end }) => `${start}-${end}`);
  const more = ranges.length - MAX_LISTED;
  return `${listed.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
