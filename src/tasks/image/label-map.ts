import type { Call } from "../../domain/call.ts";
import type { GridAxes, Planes } from "./image-grid.ts";

/** Of each pixel the index of its label, row by row; {@link LabelMap.none} for pixels without one. */
export interface LabelMap {
  readonly width: number;
  readonly height: number;
  readonly labels: Uint8Array | Uint16Array;
  readonly none: number;
}

/** Pixels between two checkpoints: some milliseconds of work. */
const PIXELS_PER_STEP = 262_144;
/** Scores between two checkpoints, where several cells meet. */
const SCORES_PER_STEP = 2_097_152;

function createLabelMap({ x, y }: GridAxes, labels: number): LabelMap {
  const [width, height] = [x.lower.length, y.lower.length];
  const isSmall = labels < 255;
  const map = isSmall ? new Uint8Array(width * height) : new Uint16Array(width * height);
  const none = isSmall ? 255 : 65_535;
  map.fill(none);
  return { width, height, labels: map, none };
}

/** The index of the highest of the scores of each cell; of equal ones the first. */
export function highestOfCells(planes: Planes): Uint16Array {
  const { start, planeStep, cellStep, rows, columns } = planes;
  const values = planes.values as Float32Array;
  const best = new Uint16Array(rows * columns);
  const scores = new Float32Array(rows * columns);
  for (let plane = 0; plane < planes.planes; plane++)
    for (let cell = 0; cell < best.length; cell++) {
      const score = values[start + plane * planeStep + cell * cellStep] as number;
      if (plane > 0 && score <= (scores[cell] as number)) continue;
      best[cell] = plane;
      scores[cell] = score;
    }
  return best;
}

/**
 * The label whose interpolated score is the highest at each pixel: `interpolate(mode="bilinear")` and `argmax` of torch. Where the
 * four cells around a pixel agree, the label is theirs, because a mean of scores is at most the mean of the highest ones.
 * @param best of {@link highestOfCells}
 */
export async function mapHighest(
  planes: Planes,
  best: Uint16Array,
  axes: GridAxes,
  checkpoint: Call["checkpoint"],
): Promise<LabelMap> {
  const map = createLabelMap(axes, planes.planes);
  const { x, y } = axes;
  const { columns } = planes;
  let work = 0;
  for (let row = y.first; row < y.end; row++) {
    const above = (y.lower[row] as number) * columns;
    const below = (y.upper[row] as number) * columns;
    const down = y.fraction[row] as number;
    const target = row * map.width;
    for (let column = x.first; column < x.end; column++) {
      const [left, right] = [x.lower[column] as number, x.upper[column] as number];
      const label = best[above + left] as number;
      if (
        label === best[above + right] &&
        label === best[below + left] &&
        label === best[below + right]
      ) {
        map.labels[target + column] = label;
        continue;
      }
      const across = x.fraction[column] as number;
      const corners = [above + left, above + right, below + left, below + right] as const;
      map.labels[target + column] = highestAt(planes, corners, across, down);
      work += planes.planes * 4;
    }
    work += (map.width * SCORES_PER_STEP) / PIXELS_PER_STEP;
    if (work < SCORES_PER_STEP) continue;
    work = 0;
    await checkpoint();
  }
  return map;
}

function highestAt(
  { values, start, planes, planeStep, cellStep }: Planes,
  [topLeft, topRight, bottomLeft, bottomRight]: readonly [number, number, number, number],
  across: number,
  down: number,
): number {
  const numbers = values as Float32Array;
  let best = 0;
  let highest = Number.NEGATIVE_INFINITY;
  for (let plane = 0; plane < planes; plane++) {
    const at = start + plane * planeStep;
    const top = mix(
      numbers[at + topLeft * cellStep] as number,
      numbers[at + topRight * cellStep] as number,
      across,
    );
    const bottom = mix(
      numbers[at + bottomLeft * cellStep] as number,
      numbers[at + bottomRight * cellStep] as number,
      across,
    );
    const score = mix(top, bottom, down);
    if (score <= highest) continue;
    highest = score;
    best = plane;
  }
  return best;
}

const mix = (a: number, b: number, share: number): number => a + (b - a) * share;

/** The label of the cell that each pixel is in: Pillow's filter `nearest`. Indices that are no label's have none. */
export async function mapNearest(
  { values, start, cellStep, columns }: Planes,
  labels: number,
  axes: GridAxes,
  checkpoint: Call["checkpoint"],
): Promise<LabelMap> {
  const map = createLabelMap(axes, labels);
  const { x, y } = axes;
  const rowsPerStep = Math.max(1, Math.floor(PIXELS_PER_STEP / map.width));
  for (let row = y.first; row < y.end; row++) {
    const cells = (y.nearest[row] as number) * columns;
    for (let column = x.first; column < x.end; column++) {
      const cell = cells + (x.nearest[column] as number);
      const label = Number(values[start + cell * cellStep]);
      if (label >= 0 && label < labels) map.labels[row * map.width + column] = label;
    }
    if (row % rowsPerStep === rowsPerStep - 1) await checkpoint();
  }
  return map;
}

/** Which labels some pixel has. */
export async function labelsIn(
  { labels, none }: LabelMap,
  count: number,
  checkpoint: Call["checkpoint"],
): Promise<number[]> {
  const found = new Uint8Array(none + 1);
  for (let start = 0; start < labels.length; start += PIXELS_PER_STEP * 8) {
    const end = Math.min(start + PIXELS_PER_STEP * 8, labels.length);
    for (let at = start; at < end; at++) found[labels[at] as number] = 1;
    await checkpoint();
  }
  return Array.from({ length: count }, (_, label) => label).filter((label) => found[label] === 1);
}
