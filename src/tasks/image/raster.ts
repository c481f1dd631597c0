import type { Orientation } from "./image-header.ts";

/**
 * Pixels in memory, read by strides, so that rotating an image copies none of them: the first channel
 * of the pixel in column x and row y is `data[origin + x * columnStride + y * rowStride]`, and the
 * next ones follow it.
 */
export interface Raster {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly origin: number;
  readonly columnStride: number;
  readonly rowStride: number;
}

/** Rows of pixels of `bytesPerPixel` bytes without gaps, with an orientation applied. */
export function createRaster(
  data: Uint8Array,
  width: number,
  height: number,
  bytesPerPixel: number,
  orientation: Orientation = 1,
): Raster {
  const step = bytesPerPixel;
  const line = width * bytesPerPixel;
  const [right, bottom] = [(width - 1) * step, (height - 1) * line];
  const upright = { data, width, height };
  const turned = { data, width: height, height: width };
  // The offset of the pixel at the top left, and the strides to its neighbours.
  switch (orientation) {
    case 1:
      return { ...upright, origin: 0, columnStride: step, rowStride: line };
    case 2:
      return { ...upright, origin: right, columnStride: -step, rowStride: line };
    case 3:
      return { ...upright, origin: right + bottom, columnStride: -step, rowStride: -line };
    case 4:
      return { ...upright, origin: bottom, columnStride: step, rowStride: -line };
    case 5:
      return { ...turned, origin: 0, columnStride: line, rowStride: step };
    case 6:
      return { ...turned, origin: bottom, columnStride: -line, rowStride: step };
    case 7:
      return { ...turned, origin: right + bottom, columnStride: -line, rowStride: -step };
    case 8:
      return { ...turned, origin: right, columnStride: line, rowStride: -step };
  }
}

/** Luma of ITU-R BT.601 in the fixed-point arithmetic of Pillow's `convert("L")`; one byte per pixel. */
export function toGrey(raster: Raster): Raster {
  const { data, width, height, origin, columnStride, rowStride } = raster;
  const grey = new Uint8Array(width * height);
  let target = 0;
  for (let y = 0; y < height; y++) {
    let source = origin + y * rowStride;
    for (let x = 0; x < width; x++) {
      const red = data[source] as number;
      const green = data[source + 1] as number;
      const blue = data[source + 2] as number;
      grey[target++] = (red * 19_595 + green * 38_470 + blue * 7_471 + 0x8000) >> 16;
      source += columnStride;
    }
  }
  return createRaster(grey, width, height, 1);
}
