import { type Tensor, toTypedArray } from "../../domain/tensor.ts";
import { notFinite, outputMismatch } from "../output-errors.ts";
import type { ItemMetadata } from "../preprocessor.ts";
import type { ImageMetadata } from "./image-preprocessor.ts";

/** Outputs that have a value for each of some cells, and which cells are at a pixel of the image. */

/** @throws Error for items that are no images */
export function toImageMetadata(item: ItemMetadata, task: string): ImageMetadata {
  if (item.kind !== "image") throw new Error(`${task} needs images, not ${item.kind}`);
  return item as ImageMetadata;
}

/** Planes of one item: the value of a cell is `values[start + plane * planeStep + cell * cellStep]`, cells row by row. */
export interface Planes {
  readonly values: ArrayLike<number | bigint>;
  readonly start: number;
  readonly planes: number;
  readonly rows: number;
  readonly columns: number;
  readonly planeStep: number;
  readonly cellStep: number;
}

/**
 * Reads the planes of each item.
 * @param result [batch, planes, rows, columns], [batch, rows, columns, planes] by `layout`, or [batch, rows, columns] of one plane
 * @param planes how many there have to be; any number when left out
 * @throws ApiError `task_not_supported` for another shape or batch, `inference_failed` where a value is NaN or infinite
 */
export function planesOf(
  result: Tensor | undefined,
  layout: "NCHW" | "NHWC",
  batch: number,
  planes?: number,
): Planes[] {
  const wanted = planes ?? "planes";
  const needed = layout === "NCHW" ? `${wanted}, rows, columns` : `rows, columns, ${wanted}`;
  if (!result || result.datatype === "BYTES" || result.shape.length < 3 || result.shape.length > 4)
    throw outputMismatch(result, `[batch, ${needed}]`);
  const { shape } = result;
  const sizes = shape.length === 3 ? [1, ...shape.slice(1)] : shape.slice(1);
  const isPlanar = layout === "NCHW" || shape.length === 3;
  const [a = 0, b = 0, c = 0] = sizes;
  const [count, rows, columns] = isPlanar ? [a, b, c] : [c, a, b];
  if ((planes !== undefined && count !== planes) || shape[0] !== batch || rows * columns === 0)
    throw outputMismatch(result, `[${batch}, ${needed}]`);
  const values = toTypedArray(result);
  if (values instanceof Float32Array && !values.every(Number.isFinite))
    throw notFinite(result.name);
  const cells = rows * columns;
  return Array.from({ length: batch }, (_, item) => ({
    values,
    start: item * cells * count,
    planes: count,
    rows,
    columns,
    planeStep: isPlanar ? cells : 1,
    cellStep: isPlanar ? 1 : count,
  }));
}

/** For each pixel of a side: the cells before and after its centre, and how far it is from the first to the second, from 0 to 1. */
export interface Axis {
  readonly lower: Int32Array;
  readonly upper: Int32Array;
  readonly fraction: Float32Array;
  /** The cell that the centre is in. */
  readonly nearest: Int32Array;
  /** The pixels that the model has seen, of an image that was cropped: from `first` on, `end` not included. */
  readonly first: number;
  readonly end: number;
}

export interface GridAxes {
  readonly x: Axis;
  readonly y: Axis;
}

/** Maps the pixels of an image to the cells of an output, as `torch.nn.functional.interpolate` without `align_corners` does. */
export function gridAxes(
  { width, height, placement, frame }: ImageMetadata,
  { rows, columns }: Pick<Planes, "rows" | "columns">,
): GridAxes {
  const { scaleX, scaleY, offsetX, offsetY } = placement;
  return {
    x: axis(width, scaleX, offsetX, frame.width, columns),
    y: axis(height, scaleY, offsetY, frame.height, rows),
  };
}

function axis(pixels: number, scale: number, offset: number, frame: number, cells: number): Axis {
  const lower = new Int32Array(pixels);
  const upper = new Int32Array(pixels);
  const nearest = new Int32Array(pixels);
  const fraction = new Float32Array(pixels);
  let [first, end] = [pixels, 0];
  const perPixel = cells / frame;
  for (let pixel = 0; pixel < pixels; pixel++) {
    const inFrame = (pixel + 0.5) * scale + offset;
    const centre = inFrame * perPixel;
    if (inFrame >= 0 && inFrame < frame) {
      first = Math.min(first, pixel);
      end = pixel + 1;
    }
    const place = Math.min(Math.max(centre - 0.5, 0), cells - 1);
    const before = Math.floor(place);
    lower[pixel] = before;
    upper[pixel] = Math.min(before + 1, cells - 1);
    fraction[pixel] = place - before;
    nearest[pixel] = Math.min(Math.max(Math.floor(centre), 0), cells - 1);
  }
  return { lower, upper, fraction, nearest, first: Math.min(first, end), end };
}
