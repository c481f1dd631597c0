/** Numbers by label. */
export type Counts = Record<string, number>;

/** The label of what has no place among the others. */
export const OTHER = "other";

/**
 * Adds to the count of a label.
 * @param max labels that have a count of their own, beside `other`
 */
export function addCount(counts: Counts, label: string, count: number, max: number): void {
  const known = counts[label];
  // What every object inherits is no number.
  if (typeof known === "number") counts[label] = known + count;
  else addNew(counts, label, count, max);
}

function addNew(counts: Counts, label: string, count: number, max: number): void {
  const hasRoom = Object.keys(counts).length < max + (OTHER in counts ? 1 : 0);
  // Nothing can be stored under this name.
  if (hasRoom && label !== "__proto__") counts[label] = count;
  else counts[OTHER] = (counts[OTHER] ?? 0) + count;
}

export function mergeCounts(into: Counts, other: Counts, max: number): void {
  for (const [label, count] of Object.entries(other)) {
    if (label === OTHER) into[OTHER] = (into[OTHER] ?? 0) + count;
    else addCount(into, label, count, max);
  }
}

/**
 * Merges counts of labels of which only the most frequent are kept, whenever they came.
 * @param max labels that remain, beside `other`
 */
export function mergeTopCounts(into: Counts, other: Counts, max: number): void {
  mergeCounts(into, other, Number.POSITIVE_INFINITY);
  const labels = Object.keys(into).filter((label) => label !== OTHER);
  if (labels.length <= max) return;
  labels.sort((one, two) => (into[two] as number) - (into[one] as number));
  for (const label of labels.slice(max)) {
    into[OTHER] = (into[OTHER] ?? 0) + (into[label] as number);
    delete into[label];
  }
}

export function totalOf(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
