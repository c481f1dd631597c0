import type { Raster } from "./raster.ts";

export type Filter = "nearest" | "box" | "bilinear" | "bicubic" | "lanczos";

/** A part of an image, in pixels. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Scales an image with the arithmetic of Pillow's `Image.resize` (`src/libImaging/Resample.c` of Pillow 13): a filter
 * as wide as the pixels that become one, along the rows and along the columns, each in fixed point and rounded to a
 * byte. Only `part` is computed.
 * @param channels bytes of each pixel that are read: 3, or 1
 * @param width of the whole scaled image, in pixels
 * @param height of the whole scaled image, in pixels
 * @param part of the scaled image
 * @returns rows of `part` from the top, pixels of `channels` bytes
 */
export function resample(
  source: Raster,
  channels: 1 | 3,
  filter: Filter,
  width: number,
  height: number,
  part: Box,
): Uint8Array {
  if (filter === "nearest") return pickNearest(source, channels, width, height, part);
  const kernel = FILTERS[filter];
  // The order of Pillow 13; earlier versions always began with the rows, and differ by a level.
  const lost = source.height - height;
  if (lost <= 0 || lost <= (source.width - width) * 2)
    return rowsFirst(source, channels, kernel, width, height, part);
  const transposed = rowsFirst(transpose(source), channels, kernel, height, width, {
    left: part.top,
    top: part.left,
    width: part.height,
    height: part.width,
  });
  return transposeBack(transposed, part.width, part.height, channels);
}

/** Swaps rows and columns. */
function transpose(raster: Raster): Raster {
  const { width, height, columnStride, rowStride } = raster;
  return {
    ...raster,
    width: height,
    height: width,
    columnStride: rowStride,
    rowStride: columnStride,
  };
}

function transposeBack(
  transposed: Uint8Array,
  width: number,
  height: number,
  channels: number,
): Uint8Array {
  const result = new Uint8Array(transposed.length);
  let target = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const source = (x * height + y) * channels;
      for (let channel = 0; channel < channels; channel++)
        result[target++] = transposed[source + channel] as number;
    }
  return result;
}

function rowsFirst(
  source: Raster,
  channels: 1 | 3,
  kernel: Kernel,
  width: number,
  height: number,
  part: Box,
): Uint8Array {
  const across = windows(source.width, width, part.left, part.width, kernel);
  const down = windows(source.height, height, part.top, part.height, kernel);
  // Only the rows that the part depends on.
  const firstRow = down.starts[0] ?? 0;
  const last = part.height - 1;
  const rows = (down.starts[last] ?? 0) + (down.lengths[last] ?? 0) - firstRow;
  const narrow = new Uint8Array(rows * part.width * channels);
  for (let row = 0; row < rows; row++) {
    const start = source.origin + (firstRow + row) * source.rowStride;
    const target = row * part.width * channels;
    if (channels === 3)
      filterPixels(source.data, start, source.columnStride, across, narrow, target);
    else filterBytes(source.data, start, source.columnStride, across, narrow, target);
  }
  return filterColumns(narrow, part.width * channels, firstRow, down);
}

interface Kernel {
  readonly support: number;
  weight(distance: number): number;
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));

const FILTERS: Record<Exclude<Filter, "nearest">, Kernel> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: {
    support: 2,
    weight(distance) {
      const x = Math.abs(distance);
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
    },
  },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** Of 32 bits, a byte, the sign and the overshoot of the filter are left. */
const PRECISION_BITS = 32 - 8 - 2;
const HALF = 1 << (PRECISION_BITS - 1);

/** For each output pixel: the first of the input pixels that it is computed from, their number and weights. */
interface Windows {
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  /** `stride` weights for each pixel, in fixed point; their sum is 1. */
  readonly weights: Int32Array;
  readonly stride: number;
}

function windows(
  from: number,
  to: number,
  first: number,
  count: number,
  { support, weight }: Kernel,
): Windows {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const reach = support * stretch;
  const stride = Math.min(Math.ceil(reach) * 2 + 1, from);
  const starts = new Int32Array(count);
  const lengths = new Int32Array(count);
  const weights = new Int32Array(count * stride);
  const exact = new Float64Array(stride);
  for (let index = 0; index < count; index++) {
    const centre = (first + index + 0.5) * scale;
    const start = Math.max(Math.trunc(centre - reach + 0.5), 0);
    const length = Math.min(Math.trunc(centre + reach + 0.5), from) - start;
    let sum = 0;
    for (let at = 0; at < length; at++) {
      const value = weight((at + start - centre + 0.5) * (1 / stretch));
      exact[at] = value;
      sum += value;
    }
    for (let at = 0; at < length; at++) {
      const share = ((exact[at] as number) / sum) * (1 << PRECISION_BITS);
      weights[index * stride + at] = Math.trunc(share + (share < 0 ? -0.5 : 0.5));
    }
    starts[index] = start;
    lengths[index] = length;
  }
  return { starts, lengths, weights, stride };
}

/** One row of pixels of three bytes or more, of which three are read and written. */
function filterPixels(
  data: Uint8Array,
  origin: number,
  step: number,
  { starts, lengths, weights, stride }: Windows,
  target: Uint8Array,
  offset: number,
): void {
  let out = offset;
  for (let index = 0; index < starts.length; index++) {
    let at = origin + (starts[index] as number) * step;
    const first = index * stride;
    const end = first + (lengths[index] as number);
    let red = HALF;
    let green = HALF;
    let blue = HALF;
    for (let k = first; k < end; k++) {
      const weight = weights[k] as number;
      red = (red + Math.imul(data[at] as number, weight)) | 0;
      green = (green + Math.imul(data[at + 1] as number, weight)) | 0;
      blue = (blue + Math.imul(data[at + 2] as number, weight)) | 0;
      at += step;
    }
    target[out] = toByte(red);
    target[out + 1] = toByte(green);
    target[out + 2] = toByte(blue);
    out += 3;
  }
}

function filterBytes(
  data: Uint8Array,
  origin: number,
  step: number,
  { starts, lengths, weights, stride }: Windows,
  target: Uint8Array,
  offset: number,
): void {
  for (let index = 0; index < starts.length; index++) {
    let at = origin + (starts[index] as number) * step;
    const first = index * stride;
    const end = first + (lengths[index] as number);
    let sum = HALF;
    for (let k = first; k < end; k++) {
      sum = (sum + Math.imul(data[at] as number, weights[k] as number)) | 0;
      at += step;
    }
    target[offset + index] = toByte(sum);
  }
}

/** Row by row, because the bytes of one row are contiguous. */
function filterColumns(
  data: Uint8Array,
  rowBytes: number,
  firstRow: number,
  { starts, lengths, weights, stride }: Windows,
): Uint8Array {
  const result = new Uint8Array(starts.length * rowBytes);
  const sums = new Int32Array(rowBytes);
  for (let row = 0; row < starts.length; row++) {
    sums.fill(HALF);
    for (let k = 0; k < (lengths[row] as number); k++) {
      const weight = weights[row * stride + k] as number;
      let at = ((starts[row] as number) - firstRow + k) * rowBytes;
      for (let column = 0; column < rowBytes; column++)
        sums[column] = (sums[column] as number) + Math.imul(data[at++] as number, weight);
    }
    const target = row * rowBytes;
    for (let column = 0; column < rowBytes; column++)
      result[target + column] = toByte(sums[column] as number);
  }
  return result;
}

function toByte(sum: number): number {
  const value = sum >> PRECISION_BITS;
  return value < 0 ? 0 : Math.min(value, 255);
}

/** As Pillow's `ImagingScaleAffine`, which accumulates the steps and so their rounding errors. */
function pickNearest(
  source: Raster,
  channels: 1 | 3,
  width: number,
  height: number,
  part: Box,
): Uint8Array {
  const columns = nearest(source.width, width, part.left, part.width);
  const rows = nearest(source.height, height, part.top, part.height);
  const result = new Uint8Array(part.width * part.height * channels);
  let target = 0;
  for (const row of rows)
    for (const column of columns) {
      const at = source.origin + row * source.rowStride + column * source.columnStride;
      for (let channel = 0; channel < channels; channel++)
        result[target++] = source.data[at + channel] as number;
    }
  return result;
}

function nearest(from: number, to: number, first: number, count: number): number[] {
  const scale = from / to;
  const found: number[] = [];
  let at = scale * 0.5;
  for (let index = 0; index < first + count; index++) {
    if (index >= first) found.push(Math.min(Math.trunc(at), from - 1));
    at += scale;
  }
  return found;
}
