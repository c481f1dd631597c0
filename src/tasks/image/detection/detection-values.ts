import { valuesOfBox } from "../../../domain/blocks/postprocess/detection-problems.ts";
import type { ObjectDetectionBlock } from "../../../domain/blocks/postprocess/object-detection.ts";
import {
  elementCount,
  type NumericTensor,
  type Tensor,
  toTypedArray,
} from "../../../domain/tensor.ts";
import { notFinite, outputMismatch } from "../../output-errors.ts";

const COORDINATES = 4;

/** Numbers of each box of one image, which stand side by side or in planes: that of a row and column is at `start + row * rowStep + column * columnStep`. */
export interface BoxValues {
  readonly values: Float32Array;
  readonly start: number;
  readonly rowStep: number;
  readonly columnStep: number;
}

/** What a model says of the boxes of one image. */
export interface DetectionValues {
  /** How many boxes there are. */
  readonly count: number;
  readonly boxes: BoxValues;
  /** Of any object. */
  readonly objectness: BoxValues | undefined;
  /** One for each label, or only one. */
  readonly scores: BoxValues;
  /** Indices of labels. */
  readonly classes: BoxValues | undefined;
  readonly coefficients: BoxValues | undefined;
  readonly keypoints: BoxValues | undefined;
  readonly angles: BoxValues | undefined;
  readonly prototypes: Prototypes | undefined;
}

/** Planes of values, which an object's coefficients mix into its mask. */
export interface Prototypes {
  readonly values: Float32Array;
  readonly count: number;
  readonly width: number;
  readonly height: number;
}

/** Reads the outputs of a run. */
export type ReadValues = (item: number) => DetectionValues;

/**
 * @param batch how many images the run had
 * @throws ApiError `task_not_supported` for shapes that do not fit, `inference_failed` when a number is NaN or infinite
 */
export function readDetectionValues(
  block: ObjectDetectionBlock,
  labels: number,
  results: readonly Tensor[],
  batch: number,
): ReadValues {
  const find = (name: string | undefined): Tensor | undefined =>
    name === undefined ? undefined : results.find((result) => result.name === name);
  const readPrototypes = block.masks && toPrototypes(find(block.masks.prototypes), batch);
  const mixed = readPrototypes?.(0).count;
  const table = (name: string, values: number, count?: number): Table =>
    toTable(find(name), block.layout, values, { batch, count });
  const places = block.keypoints
    ? block.keypoints.labels.length * (block.keypoints.scores ? 3 : 2)
    : 0;

  const { scores: scoresName, classes: classesName, keypoints, masks, scoring } = block;
  if (scoresName === undefined) {
    const whole = table(block.boxes, valuesOfBox(block, labels, mixed) ?? COORDINATES);
    return (item) => {
      const all = whole.of(item);
      let at = COORDINATES;
      const next = (columns: number): BoxValues => {
        const part = { ...all, start: all.start + at * all.columnStep };
        at += columns;
        return part;
      };
      const objectness = scoring === "objectness" ? next(1) : undefined;
      const scores = next(scoring === "class-index" ? 1 : labels);
      const classes = scoring === "class-index" ? next(1) : undefined;
      const coefficients = masks && masks.coefficients === undefined ? next(mixed ?? 0) : undefined;
      const inRow = keypoints && keypoints.output === undefined ? next(places) : undefined;
      return {
        count: whole.count,
        boxes: all,
        objectness,
        scores,
        classes,
        coefficients: coefficients ?? coefficientsOf(item),
        keypoints: inRow ?? keypointsOf(item),
        angles: block.rotated ? next(1) : undefined,
        prototypes: readPrototypes?.(item),
      };
    };
  }

  const boxes = table(block.boxes, COORDINATES);
  const byIndex = scoring === "class-index";
  const scores = byIndex
    ? toList(find(scoresName), batch, boxes.count)
    : table(scoresName, labels, boxes.count);
  const classes = byIndex ? toList(find(classesName), batch, boxes.count) : undefined;
  return (item) => ({
    count: boxes.count,
    boxes: boxes.of(item),
    objectness: undefined,
    scores: scores.of(item),
    classes: classes?.of(item),
    coefficients: coefficientsOf(item),
    keypoints: keypointsOf(item),
    angles: undefined,
    prototypes: readPrototypes?.(item),
  });

  function coefficientsOf(item: number): BoxValues | undefined {
    const name = masks?.coefficients;
    return name === undefined ? undefined : table(name, mixed ?? 0).of(item);
  }

  function keypointsOf(item: number): BoxValues | undefined {
    const name = keypoints?.output;
    return name === undefined ? undefined : table(name, places).of(item);
  }
}

/** One number of a box. */
export function valueAt(
  { values, start, rowStep, columnStep }: BoxValues,
  row: number,
  column: number,
): number {
  return values[start + row * rowStep + column * columnStep] as number;
}

interface Table {
  readonly count: number;
  of(item: number): BoxValues;
}

interface Expected {
  readonly batch: number;
  /** Of boxes, where another output says it. */
  readonly count?: number | undefined;
}

/** @param columns how many values there are of each box */
function toTable(
  result: Tensor | undefined,
  layout: ObjectDetectionBlock["layout"],
  columns: number,
  { batch, count }: Expected,
): Table {
  const isRows = layout === "rows";
  const boxes = count ?? "boxes";
  const expected = `FP32 ${isRows ? `[batch, ${boxes}, ${columns}]` : `[batch, ${columns}, ${boxes}]`}`;
  if (result?.datatype !== "FP32") throw outputMismatch(result, expected);
  const shape = result.shape.length === 2 ? [1, ...result.shape] : result.shape;
  const [, rows = 0, width = 0] = isRows ? shape : [shape[0], shape[2], shape[1]];
  if (shape.length !== 3 || width !== columns || (count !== undefined && rows !== count))
    throw outputMismatch(
      result,
      count === undefined ? expected : `${expected}, as there are boxes`,
    );
  if (shape[0] !== batch) throw outputMismatch(result, `a batch of ${batch}, as its inputs have`);
  const values = toFinite(result);
  return {
    count: rows,
    of: (item) => ({
      values,
      start: item * rows * columns,
      rowStep: isRows ? columns : 1,
      columnStep: isRows ? 1 : rows,
    }),
  };
}

/** One number of each box. */
function toList(result: Tensor | undefined, batch: number, count: number): Table {
  const isFitting =
    result !== undefined &&
    result.datatype !== "BYTES" &&
    elementCount(result.shape) === batch * count &&
    result.shape.length <= 2;
  if (!isFitting) throw outputMismatch(result, `[${batch}, ${count}], one value for each box`);
  const values =
    result.datatype === "FP32" ? toFinite(result) : Float32Array.from(toTypedArray(result), Number);
  return {
    count,
    of: (item) => ({ values, start: item * count, rowStep: 1, columnStep: 0 }),
  };
}

function toPrototypes(result: Tensor | undefined, batch: number): (item: number) => Prototypes {
  const [images, count = 0, height = 0, width = 0] = result?.shape ?? [];
  if (result?.datatype !== "FP32" || result.shape.length !== 4 || images !== batch)
    throw outputMismatch(result, `FP32 [${batch}, prototypes, height, width]`);
  const values = toFinite(result);
  const length = count * height * width;
  return (item) => ({
    values: values.subarray(item * length, (item + 1) * length),
    count,
    width,
    height,
  });
}

/** @throws ApiError `inference_failed` */
function toFinite(result: NumericTensor): Float32Array {
  const values = toTypedArray(result) as Float32Array;
  // Of NaN and of infinities the difference is NaN, and so is the sum.
  let sum = 0;
  for (let at = 0; at < values.length; at++) {
    const value = values[at] as number;
    sum += value - value;
  }
  if (sum !== 0) throw notFinite(result.name);
  return values;
}
