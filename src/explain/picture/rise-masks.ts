import type { Random } from "../../shared/random.ts";
import type { PictureArea } from "./picture.ts";

/** Half of the cells are shown. */
export const SHOWN = 0.5;

/** The points of one axis: between which two cells each pixel of the mask is, and how near to the second. */
interface Axis {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly share: Float64Array;
  /** Pixels of a cell, by which masks are shifted. */
  readonly cell: number;
}

/**
 * Random masks of RISE: cells that are shown or not, enlarged by bilinear interpolation and shifted by up to a cell.
 * Source: Petsiuk, Das and Saenko, RISE: Randomized Input Sampling for Explanation of Black-box Models, BMVC 2018.
 */
export function createMasks(
  { width, height }: Pick<PictureArea, "width" | "height">,
  [rows, columns]: readonly [number, number],
  random: Random,
): () => Float32Array {
  const down = axisOf(rows, height);
  const across = axisOf(columns, width);
  return () => {
    const cells = Uint8Array.from({ length: rows * columns }, () => (random() < SHOWN ? 1 : 0));
    const x = Math.floor(random() * across.cell);
    const y = Math.floor(random() * down.cell);
    const mask = new Float32Array(width * height);
    for (let row = 0; row < height; row++) {
      const top = (down.first[row + y] as number) * columns;
      const bottom = (down.second[row + y] as number) * columns;
      const below = down.share[row + y] as number;
      for (let column = 0; column < width; column++) {
        const left = across.first[column + x] as number;
        const right = across.second[column + x] as number;
        const beside = across.share[column + x] as number;
        const upper =
          (cells[top + left] as number) * (1 - beside) + (cells[top + right] as number) * beside;
        const lower =
          (cells[bottom + left] as number) * (1 - beside) +
          (cells[bottom + right] as number) * beside;
        mask[row * width + column] = upper * (1 - below) + lower * below;
      }
    }
    return mask;
  };
}

/** Cells that are enlarged to one more cell than the picture has room for. */
function axisOf(cells: number, side: number): Axis {
  const cell = Math.ceil(side / cells);
  const length = (cells + 1) * cell;
  const places = Float64Array.from({ length }, (_, at) =>
    Math.min(Math.max(((at + 0.5) * cells) / length - 0.5, 0), cells - 1),
  );
  const first = Int32Array.from(places, Math.floor);
  return {
    first,
    second: first.map((at) => Math.min(at + 1, cells - 1)),
    share: places.map((place, at) => place - (first[at] as number)),
    cell,
  };
}
