import { ApiError } from "../../domain/errors.ts";
import type { PlayerValues } from "../media/media-input.ts";
import type { Picture } from "./picture.ts";

/** A picture in parts. */
export interface PictureParts {
  readonly count: number;
  readonly names: readonly string[];
  /** By pixel of the model's input, its part; -1 for those around the picture. */
  readonly partOf: Int16Array;
  /** The rows and columns of the map. */
  readonly rows: number;
  readonly columns: number;
  /** By point of the map, row by row, its part. */
  readonly points: Int16Array;
  /** Whether a part is a point of the map. */
  readonly isGrid: boolean;
}

/** Sides of fewer pixels have a cell for each of them. */
const MIN_GRID_SIDE = 14;
const DEFAULT_GRID = 7;
/** Some megabytes of JSON. */
const MAX_MAP_NUMBERS = 200_000;

/** Rows and columns of cells; of a side that has fewer pixels, each has one. */
export function gridParts(
  picture: Picture,
  grid: readonly [number, number] | undefined,
): PictureParts {
  const { area, width, height } = picture;
  const rows = Math.min(grid?.[0] ?? defaultCells(area.height), area.height);
  const columns = Math.min(grid?.[1] ?? defaultCells(area.width), area.width);
  const partOf = new Int16Array(width * height).fill(-1);
  for (let y = 0; y < area.height; y++) {
    const row = cellAt(y, rows, area.height);
    for (let x = 0; x < area.width; x++)
      partOf[(area.top + y) * width + area.left + x] =
        row * columns + cellAt(x, columns, area.width);
  }
  const count = rows * columns;
  return {
    count,
    names: Array.from(
      { length: count },
      (_, cell) => `row ${Math.floor(cell / columns)}, column ${cell % columns}`,
    ),
    partOf,
    rows,
    columns,
    points: Int16Array.from({ length: count }, (_, cell) => cell),
    isGrid: true,
  };
}

function defaultCells(side: number): number {
  return side < MIN_GRID_SIDE ? side : DEFAULT_GRID;
}

/** Cells end at whole pixels: the cell of a pixel is that of its middle. */
function cellAt(pixel: number, cells: number, side: number): number {
  return Math.floor(((pixel + 0.5) * cells) / side);
}

/** @throws ApiError `invalid_request` for the maps of more outputs than an answer has room for */
export function checkMapSize(numbers: number): void {
  if (numbers <= MAX_MAP_NUMBERS) return;
  throw new ApiError(
    "invalid_request",
    `The maps of all outputs would have ${numbers} numbers, and an answer has ${MAX_MAP_NUMBERS} at most: name one output instead of all.`,
    { details: { field: "output", actual: numbers, limit: MAX_MAP_NUMBERS } },
  );
}

/** Where the values of an answer are: rows from the top of the area that is shown. */
export function toMap(
  { rows, columns, points, isGrid }: PictureParts,
  { shown }: Picture,
  values: PlayerValues,
): object {
  const ofOutput = (number: (part: number) => number): number[][] =>
    Array.from({ length: rows }, (_, row) =>
      Array.from({ length: columns }, (_, column) => number(points[row * columns + column] ?? 0)),
    );
  const [first] = values;
  const map = Array.isArray(first)
    ? first.map((_, output) =>
        ofOutput((part) => (values[part] as readonly number[] | undefined)?.[output] ?? 0),
      )
    : ofOutput((part) => (values[part] as number | undefined) ?? 0);
  return {
    map: { rows, columns, ...(shown && { box: shown }), values: map },
    ...(!isGrid && { segments: ofOutput((part) => part) }),
  };
}
