import type { Call } from "../../domain/call.ts";
import type { DecodeImage } from "./decode-image.ts";
import { type DrawnImage, encodeDrawnImage, readDrawnImage } from "./drawn-image.ts";
import { type Colour, labelColour } from "./label-colours.ts";

/** Places that are coloured between two checkpoints. */
const PLACES_PER_STEP = 65_536;
/** A line is as wide as a 500th of the longer side, and at least this many pixels. */
const MIN_WIDTH = 1;
const SIDE_PER_WIDTH = 500;

export interface DrawnPolygons {
  readonly file: Uint8Array;
  /** Corners, x and y in pixels of the image. */
  readonly polygons: readonly (readonly (readonly [number, number])[])[];
}

/** The image with outlines of one colour. */
export async function drawPolygons(
  { file, polygons }: DrawnPolygons,
  decodeImage: DecodeImage,
  checkpoint: Call["checkpoint"],
): Promise<Uint8Array<ArrayBuffer>> {
  const image = await readDrawnImage(file, decodeImage, checkpoint);
  await checkpoint();
  const { width, height, scale } = image;
  const reach = Math.max(MIN_WIDTH, Math.round(Math.max(width, height) / SIDE_PER_WIDTH));
  const colour = labelColour(0);
  let places = 0;
  for (const polygon of polygons)
    for (const [index, [x0, y0]] of polygon.entries()) {
      const [x1, y1] = polygon[(index + 1) % polygon.length] as readonly [number, number];
      const steps = Math.max(1, Math.ceil(Math.hypot(x1 - x0, y1 - y0) * scale));
      for (let step = 0; step <= steps; step++) {
        const share = step / steps;
        paint(
          image,
          (x0 + (x1 - x0) * share) * scale,
          (y0 + (y1 - y0) * share) * scale,
          reach,
          colour,
        );
      }
      places += steps * reach * reach;
      if (places < PLACES_PER_STEP) continue;
      places = 0;
      await checkpoint();
    }
  return encodeDrawnImage(image, checkpoint);
}

/** A square around a place, as far as it is in the image. */
function paint(
  { width, height, pixels }: DrawnImage,
  x: number,
  y: number,
  side: number,
  colour: Colour,
): void {
  const [left, top] = [Math.floor(x - (side - 1) / 2), Math.floor(y - (side - 1) / 2)];
  for (let row = Math.max(0, top); row < Math.min(height, top + side); row++)
    for (let column = Math.max(0, left); column < Math.min(width, left + side); column++)
      pixels.set(colour, (row * width + column) * 3);
}
