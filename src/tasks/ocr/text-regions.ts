import type { Point } from "./rectangle.ts";

/** Pixels of text that touch one another, also at their corners. */
export interface TextRegion {
  /** The first and the last pixel of each of its runs, from the top. */
  readonly outline: readonly Point[];
}

/** Pixels in a row that are text. */
interface Run {
  readonly start: number;
  readonly end: number;
  readonly y: number;
  /** The index of a run of the same region; its own for the first. */
  parent: number;
}

/** Rows that are looked at between two checkpoints. */
const ROWS_PER_STEP = 64;

/** Runs of one map: text has some for each row of a line, noise has one for every other pixel. */
const MAX_RUNS = 200_000;

/**
 * The regions of a map whose probability is above the threshold, those that begin last first, as OpenCV's `findContours` has their outlines.
 * @yields between two pieces of work
 * @returns `undefined` for a map that is noise
 */
export function* findRegions(
  map: Float32Array,
  width: number,
  height: number,
  threshold: number,
): Generator<undefined, TextRegion[] | undefined> {
  const runs: Run[] = [];
  let above = 0;
  for (let y = 0; y < height; y++) {
    if (y % ROWS_PER_STEP === ROWS_PER_STEP - 1) yield;
    const first = runs.length;
    addRuns(map, width, y, threshold, runs);
    if (runs.length > MAX_RUNS) return undefined;
    joinRows(runs, above, first);
    above = first;
  }
  const outlines = new Map<number, Point[]>();
  for (const [index, { start, end, y }] of runs.entries()) {
    if (index % 10_000 === 9999) yield;
    const root = rootOf(runs, index);
    const outline = outlines.get(root);
    if (outline) outline.push([start, y], [end, y]);
    else
      outlines.set(root, [
        [start, y],
        [end, y],
      ]);
  }
  return Array.from(outlines.values(), (outline) => ({ outline })).reverse();
}

function addRuns(
  map: Float32Array,
  width: number,
  y: number,
  threshold: number,
  runs: Run[],
): void {
  const row = y * width;
  for (let x = 0; x < width; x++) {
    if (!((map[row + x] as number) > threshold)) continue;
    const start = x;
    while (x + 1 < width && (map[row + x + 1] as number) > threshold) x++;
    runs.push({ start, end: x, y, parent: runs.length });
  }
}

/** Joins the runs of a row with those above it: from `above` to `first`, and from `first` on. */
function joinRows(runs: Run[], above: number, first: number): void {
  let upper = above;
  let lower = first;
  while (upper < first && lower < runs.length) {
    const [a, b] = [runs[upper] as Run, runs[lower] as Run];
    if (a.start <= b.end + 1 && b.start <= a.end + 1) join(runs, upper, lower);
    if (a.end < b.end) upper++;
    else lower++;
  }
}

function join(runs: Run[], a: number, b: number): void {
  const [x, y] = [rootOf(runs, a), rootOf(runs, b)];
  (runs[Math.max(x, y)] as Run).parent = Math.min(x, y);
}

function rootOf(runs: Run[], index: number): number {
  let at = index;
  for (;;) {
    const run = runs[at] as Run;
    if (run.parent === at) return at;
    const { parent } = runs[run.parent] as Run;
    run.parent = parent;
    at = parent;
  }
}
