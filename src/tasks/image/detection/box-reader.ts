import {
  countPriors,
  type MapSize,
  mapSizes,
  type PriorsField,
} from "../../../domain/blocks/postprocess/detection-fields.ts";
import type { ObjectDetectionBlock } from "../../../domain/blocks/postprocess/object-detection.ts";
import { outputMismatch } from "../../output-errors.ts";
import type { Corners } from "../non-maximum-suppression.ts";
import { type BoxValues, valueAt } from "./detection-values.ts";

interface Frame {
  readonly width: number;
  readonly height: number;
}

/** Boxes and places of one image, in pixels of the model's input. */
export interface BoxReader {
  cornersOf(row: number): Corners;
  /** Of a pair of numbers that a model gives a box. */
  placeOf(row: number, x: number, y: number): readonly [x: number, y: number];
}

/** @returns a reader for the boxes of a run whose images have the size of the frame */
export function createBoxReaders(
  block: ObjectDetectionBlock,
): (boxes: BoxValues, count: number, frame: Frame) => BoxReader {
  const { priors } = block;
  if (!priors) return (boxes, _, frame) => plainReader(block, boxes, frame);
  let known: (Frame & { readonly anchors: Float32Array }) | undefined;
  return (boxes, count, frame) => {
    if (known?.width !== frame.width || known.height !== frame.height) {
      const { width, height } = frame;
      known = { width, height, anchors: createAnchors(mapSizes(priors, frame), priors.offset) };
    }
    const { anchors } = known;
    if (anchors.length !== count * ANCHOR)
      throw outputMismatch(
        undefined,
        `${anchors.length / ANCHOR} boxes, as priors make, not ${count}`,
      );
    return priorReader(block, priors, boxes, anchors);
  };
}

function plainReader(
  { boxFormat, coordinates }: ObjectDetectionBlock,
  boxes: BoxValues,
  frame: Frame,
): BoxReader {
  const [unitX, unitY] = coordinates === "normalized" ? [frame.width, frame.height] : [1, 1];
  return {
    cornersOf(row) {
      const [left, top, right, bottom] = toCorners(
        boxFormat,
        valueAt(boxes, row, 0),
        valueAt(boxes, row, 1),
        valueAt(boxes, row, 2),
        valueAt(boxes, row, 3),
      );
      return [left * unitX, top * unitY, right * unitX, bottom * unitY];
    },
    placeOf: (_, x, y) => [x * unitX, y * unitY],
  };
}

function toCorners(
  format: ObjectDetectionBlock["boxFormat"],
  a: number,
  b: number,
  c: number,
  d: number,
): Corners {
  switch (format) {
    case "xyxy":
      return [a, b, c, d];
    case "yxyx":
      return [b, a, d, c];
    case "xywh":
      return [a, b, a + c, b + d];
    case "cxcywh":
      return [a - c / 2, b - d / 2, a + c / 2, b + d / 2];
    case "cycxhw":
      return [b - d / 2, a - c / 2, b + d / 2, a + c / 2];
  }
}

/** Numbers of a prior box: the x and y of its centre, width and height. */
const ANCHOR = 4;
/** A logarithm of a size above it is none of a box, and its power too large to calculate with. */
const MAX_LOG_SIZE = 20;

function createAnchors(maps: readonly MapSize[], offset: number): Float32Array {
  const anchors = new Float32Array(countPriors(maps) * ANCHOR);
  let at = 0;
  for (const { stride, sizes, columns, rows } of maps)
    for (let y = 0; y < rows; y++)
      for (let x = 0; x < columns; x++)
        for (const [width, height] of sizes) {
          anchors[at++] = (x + offset) * stride;
          anchors[at++] = (y + offset) * stride;
          anchors[at++] = width;
          anchors[at++] = height;
        }
  return anchors;
}

/**
 * Boxes relative to priors.
 * Sources: Liu et al., SSD (2016), whose variances are factors; Ge et al., YOLOX (2021); Tian et al., FCOS (2019).
 */
function priorReader(
  { boxFormat }: ObjectDetectionBlock,
  { encoding, variances }: PriorsField,
  boxes: BoxValues,
  anchors: Float32Array,
): BoxReader {
  const [ofCentre, ofSize] = variances;
  const isSwapped = boxFormat === "yxyx" || boxFormat === "cycxhw";
  const order = isSwapped ? [1, 0, 3, 2] : [0, 1, 2, 3];
  const value = (row: number, at: number): number => valueAt(boxes, row, order[at] as number);
  const anchor = (row: number, at: number): number => anchors[row * ANCHOR + at] as number;
  const sizeOf = (row: number, at: number): number => {
    const number = value(row, at) * ofSize;
    return (
      anchor(row, at) *
      (encoding === "log-size" ? Math.exp(Math.min(number, MAX_LOG_SIZE)) : number)
    );
  };
  const placeOf = (row: number, x: number, y: number): [number, number] => [
    anchor(row, 0) + x * ofCentre * anchor(row, 2),
    anchor(row, 1) + y * ofCentre * anchor(row, 3),
  ];
  return {
    placeOf,
    cornersOf(row) {
      if (encoding === "distances") {
        const [left, top] = placeOf(row, -value(row, 0), -value(row, 1));
        const [right, bottom] = placeOf(row, value(row, 2), value(row, 3));
        return [left, top, right, bottom];
      }
      const [x, y] = placeOf(row, value(row, 0), value(row, 1));
      const [width, height] = [sizeOf(row, 2), sizeOf(row, 3)];
      return [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
    },
  };
}
