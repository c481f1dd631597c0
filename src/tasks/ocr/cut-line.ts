import type { Raster } from "../image/raster.ts";
import type { LinePixels } from "./line-pixels.ts";
import { distanceOf, type Quadrilateral } from "./rectangle.ts";

/** Lines that are higher than this times their width are read from the bottom to the top. */
const UPRIGHT_RATIO = 1.5;

/**
 * A quadrilateral of a page as a rectangle, by the perspective that maps one to the other, with the arithmetic of OpenCV's
 * `warpPerspective`: cubic, places in 32nds of a pixel, pixels beyond the border as those on it. What is upright is turned to the left.
 */
export function cutLine(page: Raster, corners: Quadrilateral): LinePixels {
  const [topLeft, topRight, bottomRight, bottomLeft] = corners;
  const across = Math.max(distanceOf(topLeft, topRight), distanceOf(bottomLeft, bottomRight));
  const down = Math.max(distanceOf(topLeft, bottomLeft), distanceOf(topRight, bottomRight));
  const [width, height] = [Math.max(1, Math.trunc(across)), Math.max(1, Math.trunc(down))];
  const toPage = perspective(corners, width, height);
  const isUpright = height / width >= UPRIGHT_RATIO;
  const length = isUpright ? height : width;
  return {
    width: length,
    height: isUpright ? width : height,
    readRow(y, row) {
      for (let x = 0; x < length; x++) {
        const [px, py] = isUpright ? toPage(width - 1 - y, x) : toPage(x, y);
        samplePixel(page, px, py, row, x * 3);
      }
    },
  };
}

type ToPage = (x: number, y: number) => readonly [number, number];

/** Maps a rectangle to a quadrilateral (Heckbert, 1989). */
function perspective(corners: Quadrilateral, width: number, height: number): ToPage {
  const [[x0, y0], [x1, y1], [x2, y2], [x3, y3]] = corners;
  const [dx1, dx2, sx] = [x1 - x2, x3 - x2, x0 - x1 + x2 - x3];
  const [dy1, dy2, sy] = [y1 - y2, y3 - y2, y0 - y1 + y2 - y3];
  const area = dx1 * dy2 - dx2 * dy1;
  const g = area === 0 ? 0 : (sx * dy2 - dx2 * sy) / area;
  const h = area === 0 ? 0 : (dx1 * sy - sx * dy1) / area;
  const [a, b] = [x1 - x0 + g * x1, x3 - x0 + h * x3];
  const [d, e] = [y1 - y0 + g * y1, y3 - y0 + h * y3];
  return (x, y) => {
    const [u, v] = [x / width, y / height];
    const depth = g * u + h * v + 1;
    return [(a * u + b * v + x0) / depth, (d * u + e * v + y0) / depth];
  };
}

const STEPS = 32;
/** Four weights for each 32nd of a pixel. */
const WEIGHTS = cubicWeights();

/** OpenCV's `interpolateCubic`. */
function cubicWeights(): Float64Array {
  const sharpness = -0.75;
  const weights = new Float64Array(STEPS * 4);
  for (let step = 0; step < STEPS; step++) {
    const x = step / STEPS;
    const before =
      ((sharpness * (x + 1) - 5 * sharpness) * (x + 1) + 8 * sharpness) * (x + 1) - 4 * sharpness;
    const near = ((sharpness + 2) * x - (sharpness + 3)) * x * x + 1;
    const next = ((sharpness + 2) * (1 - x) - (sharpness + 3)) * (1 - x) * (1 - x) + 1;
    weights.set([before, near, next, 1 - before - near - next], step * 4);
  }
  return weights;
}

function samplePixel(
  { data, width, height, origin, columnStride, rowStride }: Raster,
  x: number,
  y: number,
  row: Uint8Array,
  target: number,
): void {
  const [fineX, fineY] = [Math.round(x * STEPS), Math.round(y * STEPS)];
  const [left, top] = [Math.floor(fineX / STEPS) - 1, Math.floor(fineY / STEPS) - 1];
  const acrossFrom = (fineX - (left + 1) * STEPS) * 4;
  const downFrom = (fineY - (top + 1) * STEPS) * 4;
  let [red, green, blue] = [0, 0, 0];
  for (let j = 0; j < 4; j++) {
    const sourceY = Math.min(Math.max(top + j, 0), height - 1);
    const line = origin + sourceY * rowStride;
    const down = WEIGHTS[downFrom + j] as number;
    for (let i = 0; i < 4; i++) {
      const sourceX = Math.min(Math.max(left + i, 0), width - 1);
      const at = line + sourceX * columnStride;
      const weight = down * (WEIGHTS[acrossFrom + i] as number);
      red += weight * (data[at] as number);
      green += weight * (data[at + 1] as number);
      blue += weight * (data[at + 2] as number);
    }
  }
  row[target] = toLevel(red);
  row[target + 1] = toLevel(green);
  row[target + 2] = toLevel(blue);
}

function toLevel(value: number): number {
  return Math.min(Math.max(Math.round(value), 0), 255);
}
