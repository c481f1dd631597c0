import type { Call } from "../../domain/call.ts";
import type { DecodeImage } from "../image/decode-image.ts";
import { createRaster, type Raster } from "../image/raster.ts";
import { resample } from "../image/resample.ts";

/** A page in memory, three bytes a pixel. */
export interface Page {
  readonly pixels: Raster;
  /** Of the image, in its EXIF orientation. */
  readonly width: number;
  readonly height: number;
}

/**
 * Pixels of a page that are kept while its lines are read: 13 MB beside the models. A page of A4 has as many at 200 dots an inch;
 * larger ones are made smaller first.
 */
export const MAX_PAGE_PIXELS = 4_194_304;

export function readPage(
  file: Uint8Array,
  path: string,
  decodeImage: DecodeImage,
  checkpoint: Call["checkpoint"],
): Promise<Page> {
  return decodeImage(
    file,
    path,
    (image) => {
      const scale = Math.min(1, Math.sqrt(MAX_PAGE_PIXELS / (image.width * image.height)));
      const [width, height] = [image.width, image.height].map((side) =>
        Math.max(1, Math.floor(side * scale)),
      ) as [number, number];
      const part = { left: 0, top: 0, width, height };
      const levels = resample(image, 3, scale < 1 ? "box" : "nearest", width, height, part);
      const pixels = createRaster(levels, width, height, 3);
      return { pixels, width: image.width, height: image.height };
    },
    checkpoint,
  );
}
