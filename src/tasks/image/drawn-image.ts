import type { Call } from "../../domain/call.ts";
import type { DecodeImage } from "./decode-image.ts";
import { encodePngRows } from "./png-rows.ts";
import { resample } from "./resample.ts";

/** Pixels of a drawn picture; larger images are drawn smaller. */
const MAX_PIXELS = 4_194_304;

/** An image that is drawn upon. */
export interface DrawnImage {
  readonly width: number;
  readonly height: number;
  /** Rows from the top, red, green and blue. */
  readonly pixels: Uint8Array;
  /** By which it is smaller than the image. */
  readonly scale: number;
}

/** The image of a request. */
export function readDrawnImage(
  file: Uint8Array,
  decodeImage: DecodeImage,
  checkpoint: Call["checkpoint"],
): Promise<DrawnImage> {
  return decodeImage(
    file,
    "inputs",
    (image) => {
      const scale = Math.min(1, Math.sqrt(MAX_PIXELS / (image.width * image.height)));
      const [width, height] = [image.width, image.height].map((side) =>
        Math.max(1, Math.floor(side * scale)),
      ) as [number, number];
      const part = { left: 0, top: 0, width, height };
      const filter = scale < 1 ? "box" : "nearest";
      return { width, height, scale, pixels: resample(image, 3, filter, width, height, part) };
    },
    checkpoint,
  );
}

export function encodeDrawnImage(
  { width, height, pixels }: DrawnImage,
  checkpoint: Call["checkpoint"],
): Promise<Uint8Array<ArrayBuffer>> {
  const rowBytes = width * 3;
  return encodePngRows(
    "colour",
    width,
    height,
    (y, row) => row.set(pixels.subarray(y * rowBytes, (y + 1) * rowBytes)),
    checkpoint,
  );
}
