import { type Comparison, isListOf, isRecord } from "./comparison.ts";
import { toMismatch } from "./entities.ts";
import { overItems } from "./over-items.ts";

interface Box {
  readonly xmin: number;
  readonly ymin: number;
  readonly xmax: number;
  readonly ymax: number;
}

interface DetectedObject {
  readonly label: string;
  readonly box: Box;
}

/** From which two boxes are one object, as in the evaluations of PASCAL VOC. */
const MIN_IOU = 0.5;

const isBox = (box: unknown): box is Box =>
  isRecord(box) && ["xmin", "ymin", "xmax", "ymax"].every((side) => Number.isFinite(box[side]));

const isObject = (item: unknown): item is DetectedObject =>
  isRecord(item) && typeof item.label === "string" && isBox(item.box);

/** Of detected objects: the same when each has a counterpart of its label where it is. */
export const compareBoxes = overItems(
  (value) => isListOf(value, isObject),
  (first, second): Comparison => {
    // Of equal pairs the first one is taken, so the result would depend on which list comes first.
    const isSwapped = JSON.stringify(first) > JSON.stringify(second);
    const overlaps = isSwapped ? match(second, first) : match(first, second);
    const { detail, ...mismatch } = toMismatch(
      "box_mismatch",
      overlaps.length,
      first.length,
      second.length,
    );
    if (overlaps.length === 0) return { ...mismatch, detail };
    const meanIou = overlaps.reduce((sum, iou) => sum + iou, 0) / overlaps.length;
    return { ...mismatch, detail: { ...detail, meanIou } };
  },
);

/** Pairs the boxes of each label, those that overlap most first; returns the overlaps of the pairs. */
function match(first: readonly DetectedObject[], second: readonly DetectedObject[]): number[] {
  const pairs = first.flatMap((a, i) =>
    second.flatMap((b, j) => {
      const iou = a.label === b.label ? intersectionOverUnion(a.box, b.box) : 0;
      return iou >= MIN_IOU ? [{ i, j, iou }] : [];
    }),
  );
  const [takenI, takenJ] = [new Set<number>(), new Set<number>()];
  const overlaps: number[] = [];
  for (const { i, j, iou } of pairs.sort((a, b) => b.iou - a.iou)) {
    if (takenI.has(i) || takenJ.has(j)) continue;
    takenI.add(i);
    takenJ.add(j);
    overlaps.push(iou);
  }
  return overlaps;
}

function intersectionOverUnion(a: Box, b: Box): number {
  // Also of boxes without an area.
  if (a.xmin === b.xmin && a.ymin === b.ymin && a.xmax === b.xmax && a.ymax === b.ymax) return 1;
  const width = Math.min(a.xmax, b.xmax) - Math.max(a.xmin, b.xmin);
  const height = Math.min(a.ymax, b.ymax) - Math.max(a.ymin, b.ymin);
  const intersection = Math.max(0, width) * Math.max(0, height);
  const union = areaOf(a) + areaOf(b) - intersection;
  return union > 0 ? intersection / union : 0;
}

function areaOf({ xmin, ymin, xmax, ymax }: Box): number {
  return Math.max(0, xmax - xmin) * Math.max(0, ymax - ymin);
}
