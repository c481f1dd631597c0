import type { Raster } from "../image/raster.ts";

/** The pixels of a line of text, of which rows are read when they are needed: red, green and blue. */
export interface LinePixels {
  readonly width: number;
  readonly height: number;
  /** @param row three bytes a pixel, from the left */
  readRow(y: number, row: Uint8Array): void;
}

/** A whole image, three bytes or more a pixel. */
export function wholeImage(image: Raster): LinePixels {
  const { data, width, height, origin, columnStride, rowStride } = image;
  return {
    width,
    height,
    readRow(y, row) {
      let source = origin + y * rowStride;
      for (let target = 0; target < width * 3; target += 3) {
        row[target] = data[source] as number;
        row[target + 1] = data[source + 1] as number;
        row[target + 2] = data[source + 2] as number;
        source += columnStride;
      }
    },
  };
}

/** The same line the other way up. */
export function turnedOver({ width, height, readRow }: LinePixels): LinePixels {
  return {
    width,
    height,
    readRow(y, row) {
      readRow(height - 1 - y, row);
      const length = width * 3;
      for (let left = 0, right = length - 3; left < right; left += 3, right -= 3)
        for (const channel of [0, 1, 2]) {
          const level = row[left + channel] as number;
          row[left + channel] = row[right + channel] as number;
          row[right + channel] = level;
        }
    },
  };
}
