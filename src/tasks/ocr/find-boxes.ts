import type { TextDetection } from "../../domain/blocks/preprocess/page-fields.ts";
import { roundHalfToEven } from "../../shared/round-half-to-even.ts";
import { boxScore } from "./box-score.ts";
import {
  distanceOf,
  growRectangle,
  type Point,
  type Quadrilateral,
  smallestRectangle,
} from "./rectangle.ts";
import { findRegions } from "./text-regions.ts";

export interface ProbabilityMap {
  readonly values: Float32Array;
  readonly width: number;
  readonly height: number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Pixels of the map: smaller rectangles are no text. */
const MIN_SIDE = 3;
/** Corners of the same row of text differ by less, in pixels of the page. */
const SAME_ROW = 10;

/**
 * The lines of text of a page, from the top, lines side by side from the left, as PaddleOCR's `DBPostProcess` finds them: rectangles
 * around regions, with a high mean probability, grown to undo what the model was trained to narrow.
 * @param page its size in pixels, which the corners are given in
 * @yields between two pieces of work
 * @returns `undefined` for a map that is noise
 */
export function* findBoxes(
  map: ProbabilityMap,
  { threshold, boxThreshold, unclipRatio, maxLines }: TextDetection,
  page: Size,
): Generator<undefined, Quadrilateral[] | undefined> {
  const { values, width, height } = map;
  const regions = yield* findRegions(values, width, height, threshold);
  if (!regions) return undefined;
  const found: Quadrilateral[] = [];
  for (const { outline } of regions.slice(0, maxLines)) {
    yield;
    const tight = smallestRectangle(outline);
    if (tight.shortSide < MIN_SIDE) continue;
    if (boxScore(values, width, height, tight.corners) < boxThreshold) continue;
    const { corners, shortSide } = growRectangle(tight, growth(tight.corners, unclipRatio));
    if (shortSide < MIN_SIDE + 2) continue;
    const placed = corners.map(
      ([x, y]): Point => [
        clamp(roundHalfToEven((x / width) * page.width), page.width - 1),
        clamp(roundHalfToEven((y / height) * page.height), page.height - 1),
      ],
    ) as unknown as Quadrilateral;
    const [topLeft, topRight, , bottomLeft] = placed;
    const sides = [distanceOf(topLeft, topRight), distanceOf(topLeft, bottomLeft)];
    if (Math.min(...sides.map(Math.trunc)) > MIN_SIDE) found.push(placed);
  }
  return inReadingOrder(found);
}

/** By how much a rectangle grows on each side. */
function growth([topLeft, topRight, , bottomLeft]: Quadrilateral, ratio: number): number {
  const [width, height] = [distanceOf(topLeft, topRight), distanceOf(topLeft, bottomLeft)];
  return (width * height * ratio) / (2 * (width + height));
}

/** From the top; of corners about equally high the left one is first. */
function inReadingOrder(boxes: readonly Quadrilateral[]): Quadrilateral[] {
  const sorted = boxes.toSorted(([a], [b]) => a[1] - b[1] || a[0] - b[0]);
  for (let last = 1; last < sorted.length; last++)
    for (let at = last; at > 0; at--) {
      const [above, below] = [sorted[at - 1], sorted[at]] as [Quadrilateral, Quadrilateral];
      const isSameRow = Math.abs(below[0][1] - above[0][1]) < SAME_ROW;
      if (!isSameRow || below[0][0] >= above[0][0]) break;
      sorted[at - 1] = below;
      sorted[at] = above;
    }
  return sorted;
}

function clamp(value: number, limit: number): number {
  return Math.min(Math.max(value, 0), limit);
}
