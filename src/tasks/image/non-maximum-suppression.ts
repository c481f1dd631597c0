import type { ObjectDetectionBlock } from "../../domain/blocks/postprocess/object-detection.ts";
import type { Call } from "../../domain/call.ts";
import { BestFirst } from "./best-first.ts";
import type { Candidates } from "./detection/candidates.ts";

/** Left, top, right and bottom. */
export type Corners = readonly [xmin: number, ymin: number, xmax: number, ymax: number];

/** A box and its score for one label, which is kept. */
export interface KeptBox<B> {
  readonly score: number;
  /** Of the model's boxes. */
  readonly row: number;
  readonly label: number;
  readonly box: B;
}

export type SuppressionRule = Pick<
  ObjectDetectionBlock,
  "iouThreshold" | "maxDetections" | "suppression"
>;

/** How boxes are read and compared. */
export interface BoxGeometry<B> {
  boxOf(row: number): B;
  overlap(first: B, second: B): number;
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
 * Non-maximum suppression (`batched_nms` of torchvision, or `nms` across labels): best first, a box is dropped that overlaps a
 * better one by more than `iouThreshold`.
 */
export async function suppress<B>(
  { scores, rows, labels }: Candidates,
  { boxOf, overlap }: BoxGeometry<B>,
  { iouThreshold, maxDetections, suppression }: SuppressionRule,
  checkpoint: Call["checkpoint"],
): Promise<readonly KeptBox<B>[]> {
  const candidates = new BestFirst(
    scores,
    Int32Array.from(scores, (_, index) => index),
  );
  const kept: KeptBox<B>[] = [];
  const keptOf = new Map<number, B[]>();
  let comparisons = 0;
  for (let count = 0; count < MAX_CANDIDATES && kept.length < maxDetections; count++) {
    const index = candidates.take();
    if (index === undefined) break;
    const [row, label] = [rows[index] as number, labels[index] as number];
    const box = boxOf(row);
    const group = suppression === "by-label" ? label : 0;
    const better = (suppression === "none" ? undefined : keptOf.get(group)) ?? [];
    if (better.every((other) => overlap(other, box) <= iouThreshold)) {
      kept.push({ score: scores[index] as number, row, label, box });
      if (better.push(box) === 1) keptOf.set(group, better);
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
