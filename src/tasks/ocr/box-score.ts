import type { Point, Quadrilateral } from "./rectangle.ts";

/**
 * The mean probability within a quadrilateral whose corners are cut to whole pixels, borders included: PaddleOCR's `box_score_fast`.
 * @param map rows of `width` probabilities
 */
export function boxScore(
  map: Float32Array,
  width: number,
  height: number,
  corners: Quadrilateral,
): number {
  const xs = corners.map(([x]) => x);
  const ys = corners.map(([, y]) => y);
  const left = clamp(Math.floor(Math.min(...xs)), width - 1);
  const top = clamp(Math.floor(Math.min(...ys)), height - 1);
  const right = clamp(Math.ceil(Math.max(...xs)), width - 1);
  const bottom = clamp(Math.ceil(Math.max(...ys)), height - 1);
  const whole = corners.map(([x, y]): Point => [Math.trunc(x - left), Math.trunc(y - top)]);
  let sum = 0;
  let count = 0;
  for (let y = 0; y <= bottom - top; y++) {
    const span = spanOf(whole, y);
    if (!span) continue;
    const row = (top + y) * width + left;
    const last = Math.min(Math.floor(span[1]), right - left);
    for (let x = Math.max(0, Math.ceil(span[0])); x <= last; x++) {
      sum += map[row + x] as number;
      count++;
    }
  }
  return count === 0 ? 0 : sum / count;
}

/** Where a row cuts a convex polygon; edges that are drawn as lines are a pixel wide. */
function spanOf(corners: readonly Point[], y: number): readonly [number, number] | undefined {
  let [from, to] = [Infinity, -Infinity];
  for (const [index, [x0, y0]] of corners.entries()) {
    const [x1, y1] = corners[(index + 1) % corners.length] as Point;
    if (y < Math.min(y0, y1) || y > Math.max(y0, y1)) continue;
    if (y0 === y1) {
      from = Math.min(from, x0, x1);
      to = Math.max(to, x0, x1);
      continue;
    }
    const x = x0 + ((y - y0) * (x1 - x0)) / (y1 - y0);
    from = Math.min(from, Math.round(x));
    to = Math.max(to, Math.round(x));
  }
  return from <= to ? [from, to] : undefined;
}

function clamp(value: number, limit: number): number {
  return Math.min(Math.max(value, 0), limit);
}
