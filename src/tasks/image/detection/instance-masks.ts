import type { Call } from "../../../domain/call.ts";
import type { ImageMetadata } from "../image-preprocessor.ts";
import { encodeMask } from "../mask.ts";
import type { DetectionBox } from "../object-detection-postprocessor.ts";
import { type BoxValues, type Prototypes, valueAt } from "./detection-values.ts";

/** The level of a pixel of the object. */
const OBJECT = 255;

/**
 * The mask of a box, of the image's size: where the sum of the prototypes by the box's coefficients is above 0, between the
 * prototypes' pixels by bilinear interpolation, within the box.
 * Source: Bolya et al., YOLACT (2019), section 3.2, whose sigmoid is above 0.5 where the sum is above 0.
 */
export async function maskOfBox(
  prototypes: Prototypes,
  coefficients: BoxValues,
  row: number,
  box: DetectionBox,
  image: ImageMetadata,
  checkpoint: Call["checkpoint"],
): Promise<string> {
  const { placement, frame } = image;
  const columns = sampleAxis(
    [box.xmin, Math.min(box.xmax, image.width)],
    prototypes.width,
    (x) => ((x + 0.5) * placement.scaleX + placement.offsetX) / frame.width,
  );
  const rows = sampleAxis(
    [box.ymin, Math.min(box.ymax, image.height)],
    prototypes.height,
    (y) => ((y + 0.5) * placement.scaleY + placement.offsetY) / frame.height,
  );
  const mixed = mix(prototypes, coefficients, row, columns, rows);
  const line = new Float32Array(mixed.width);
  const writeRow = (y: number, levels: Uint8Array): void => {
    levels.fill(0);
    const at = y - rows.first;
    if (at < 0 || at >= rows.count) return;
    const before = ((rows.before[at] as number) - rows.low) * mixed.width;
    const after = ((rows.after[at] as number) - rows.low) * mixed.width;
    const part = rows.part[at] as number;
    for (let x = 0; x < line.length; x++) {
      const upper = mixed.values[before + x] as number;
      line[x] = upper + part * ((mixed.values[after + x] as number) - upper);
    }
    for (let x = 0; x < columns.count; x++) {
      const left = line[(columns.before[x] as number) - columns.low] as number;
      const right = line[(columns.after[x] as number) - columns.low] as number;
      if (left + (columns.part[x] as number) * (right - left) > 0)
        levels[columns.first + x] = OBJECT;
    }
  };
  return encodeMask(image.width, image.height, writeRow, checkpoint);
}

/** Of each pixel from `first` on, the two samples that it is between, and how far it is from the one before. */
interface AxisSamples {
  readonly first: number;
  readonly count: number;
  readonly before: Int32Array;
  readonly after: Int32Array;
  readonly part: Float32Array;
  /** The lowest and the highest sample. */
  readonly low: number;
  readonly high: number;
}

/**
 * @param range of pixels whose edges are not before the first and before the last number
 * @param samples how many the axis has
 * @param toFraction where the middle of a pixel is on the axis, from 0 to 1
 */
function sampleAxis(
  [from, to]: readonly [number, number],
  samples: number,
  toFraction: (pixel: number) => number,
): AxisSamples {
  const first = Math.ceil(from);
  const count = Math.max(0, Math.ceil(to) - first);
  const before = new Int32Array(count);
  const after = new Int32Array(count);
  const part = new Float32Array(count);
  for (let at = 0; at < count; at++) {
    const place = Math.min(Math.max(toFraction(first + at) * samples - 0.5, 0), samples - 1);
    const floor = Math.floor(place);
    before[at] = floor;
    after[at] = Math.min(floor + 1, samples - 1);
    part[at] = place - floor;
  }
  return { first, count, before, after, part, low: before[0] ?? 0, high: after[count - 1] ?? 0 };
}

/** The sum of the prototypes by the coefficients, where the axes have samples. */
function mix(
  { values, count, width, height }: Prototypes,
  coefficients: BoxValues,
  row: number,
  columns: AxisSamples,
  rows: AxisSamples,
): { readonly values: Float32Array; readonly width: number } {
  const mixedWidth = columns.high - columns.low + 1;
  const mixedHeight = rows.high - rows.low + 1;
  const mixed = new Float32Array(mixedWidth * mixedHeight);
  for (let plane = 0; plane < count; plane++) {
    const factor = valueAt(coefficients, row, plane);
    for (let y = 0; y < mixedHeight; y++) {
      const source = (plane * height + rows.low + y) * width + columns.low;
      const target = y * mixedWidth;
      for (let x = 0; x < mixedWidth; x++)
        mixed[target + x] = (mixed[target + x] as number) + factor * (values[source + x] as number);
    }
  }
  return { values: mixed, width: mixedWidth };
}
