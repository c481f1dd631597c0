import type { Call } from "../../domain/call.ts";
import { BestFirst } from "./best-first.ts";

/** Left, top, right and bottom. */
export type Corners = readonly [xmin: number, ymin: number, xmax: number, ymax: number];

/** A box and its score for one label: `index` is that of the score. */
export interface Candidate {
  readonly index: number;
  readonly label: number;
  readonly box: Corners;
}

export interface SuppressionRule {
  readonly iouThreshold: number;
  readonly maxDetections: number;
}

/**
 * Candidates that are compared, best first. Each is compared with at most `maxDetections` others, which bounds the time;
 * it is far above the boxes of one image that objects can have, so that many boxes of one object hide no other.
 */
export const MAX_CANDIDATES = 100_000;

/** Comparisons between two checkpoints: about a millisecond. */
const COMPARISONS_PER_STEP = 200_000;
/** What a candidate costs beside its comparisons. */
const COMPARISONS_PER_CANDIDATE = 50;

/**
 * Non-maximum suppression by label (`batched_nms` of torchvision): best first, a box is dropped that overlaps a better one of
 * its label by more than `iouThreshold`.
 * @param scores rows of a score for each label
 * @param indices of the scores that are candidates
 * @param boxOf the box of a row
 */
export async function suppress(
  scores: Float32Array,
  indices: Int32Array,
  labels: number,
  boxOf: (row: number) => Corners,
  { iouThreshold, maxDetections }: SuppressionRule,
  checkpoint: Call["checkpoint"],
): Promise<readonly Candidate[]> {
  const candidates = new BestFirst(scores, indices);
  const kept: Candidate[] = [];
  const keptOf = new Map<number, Corners[]>();
  let comparisons = 0;
  for (let count = 0; count < MAX_CANDIDATES && kept.length < maxDetections; count++) {
    const index = candidates.take();
    if (index === undefined) break;
    const label = index % labels;
    const box = boxOf((index - label) / labels);
    const better = keptOf.get(label) ?? [];
    if (better.every((other) => intersectionOverUnion(other, box) <= iouThreshold)) {
      kept.push({ index, label, box });
      if (better.push(box) === 1) keptOf.set(label, better);
    }
    comparisons += COMPARISONS_PER_CANDIDATE + better.length;
    if (comparisons < COMPARISONS_PER_STEP) continue;
    comparisons = 0;
    await checkpoint();
  }
  return kept;
}

export function intersectionOverUnion(a: Corners, b: Corners): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (areaOf(a) + areaOf(b) - shared);
}

function areaOf([xmin, ymin, xmax, ymax]: Corners): number {
  return (xmax - xmin) * (ymax - ymin);
}
