import { sigmoid } from "../../shared/activations.ts";
import type { WriteRow } from "./encode-grey-png.ts";
import type { GridAxes, Planes } from "./image-grid.ts";

/** How much of each cell belongs to one label, from 0 to 1. */
export interface Matte {
  readonly cells: Float32Array;
  readonly columns: number;
}

export function createMatte(
  { values, start, planeStep, cellStep, rows, columns }: Planes,
  plane: number,
  isLogit: boolean,
): Matte {
  const cells = new Float32Array(rows * columns);
  for (let cell = 0; cell < cells.length; cell++) {
    const value = Number(values[start + plane * planeStep + cell * cellStep]);
    cells[cell] = isLogit ? sigmoid(value) : value;
  }
  return { cells, columns };
}

/** The mean of the cells from a threshold on; `undefined` where none is. */
export function scoreOf({ cells }: Matte, threshold: number): number | undefined {
  let [sum, count] = [0, 0];
  for (const value of cells)
    if (value >= threshold) {
      sum += value;
      count += 1;
    }
  return count > 0 ? sum / count : undefined;
}

/** Interpolates a row of an image, bilinearly. Pixels that the model has not seen stay 0. */
export function interpolateRow(
  { cells, columns }: Matte,
  { x, y }: GridAxes,
  row: number,
  into: Float32Array,
): void {
  if (row < y.first || row >= y.end) {
    into.fill(0);
    return;
  }
  const above = (y.lower[row] as number) * columns;
  const below = (y.upper[row] as number) * columns;
  const down = y.fraction[row] as number;
  into.fill(0, 0, x.first);
  into.fill(0, x.end);
  for (let column = x.first; column < x.end; column++) {
    const [left, right] = [x.lower[column] as number, x.upper[column] as number];
    const across = x.fraction[column] as number;
    const [topLeft, bottomLeft] = [cells[above + left] as number, cells[below + left] as number];
    const top = topLeft + ((cells[above + right] as number) - topLeft) * across;
    const bottom = bottomLeft + ((cells[below + right] as number) - bottomLeft) * across;
    into[column] = top + (bottom - top) * down;
  }
}

/**
 * The rows of a mask in the size of the image.
 * @param threshold from which a pixel is 255 and not 0; `undefined` for levels in between
 */
export function matteRows(matte: Matte, axes: GridAxes, threshold: number | undefined): WriteRow {
  const values = new Float32Array(axes.x.lower.length);
  return (y, row) => {
    interpolateRow(matte, axes, y, values);
    for (let x = 0; x < row.length; x++) {
      const value = values[x] as number;
      if (threshold !== undefined) row[x] = value >= threshold && value > 0 ? 255 : 0;
      else row[x] = Math.round(Math.min(Math.max(value, 0), 1) * 255);
    }
  };
}
