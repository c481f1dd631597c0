import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import type { Random } from "../../src/shared/random.ts";

/** A column of a table: numbers, or places among its categories; NaN is missing. */
export interface Column {
  readonly name: string;
  readonly categories?: readonly string[];
  readonly values: Float64Array;
}

export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly rows: number;
  /** Of each row, by the name of a column that is no input. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
}

/** The tables of `recipes/drift_rows.py`, with the columns that are groups and no inputs. */
const FILES: Readonly<Record<string, readonly string[]>> = {
  iris: ["group"],
  diabetes: ["group"],
  wine: ["group"],
  "breast-cancer": ["group"],
  penguins: ["island", "year"],
  flights: ["month"],
};
const MISSING = "NA";

export function readTables(folder: string): Table[] {
  return Object.entries(FILES).map(([name, groupNames]) => {
    const text = readFileSync(join(folder, `${name}.csv`), "utf8");
    const [heading = [], ...rows]: string[][] = parse(text);
    const cellsOf = (column: number) => rows.map((row) => row[column] ?? MISSING);
    const columns = heading.flatMap((title, index) =>
      groupNames.includes(title) ? [] : [toColumn(title, cellsOf(index))],
    );
    const groups = new Map(groupNames.map((title) => [title, cellsOf(heading.indexOf(title))]));
    return { name, columns, rows: rows.length, groups };
  });
}

function toColumn(name: string, cells: readonly string[]): Column {
  const isNumber = cells.every((cell) => cell === MISSING || !Number.isNaN(Number(cell)));
  if (isNumber)
    return {
      name,
      values: Float64Array.from(cells, (cell) => (cell === MISSING ? Number.NaN : Number(cell))),
    };
  const categories = [...new Set(cells.filter((cell) => cell !== MISSING))].sort();
  const values = Float64Array.from(cells, (cell) =>
    cell === MISSING ? Number.NaN : categories.indexOf(cell),
  );
  return { name, categories, values };
}

/** Eight columns that depend on nothing: normal, log-normal, rounded, few values, many zeros. */
export function createSyntheticTable(rows: number, random: Random): Table {
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const column = (name: string, draw: () => number): Column => ({
    name,
    values: Float64Array.from({ length: rows }, draw),
  });
  const columns = [
    column("normal 1", normal),
    column("normal 2", normal),
    column("normal 3", normal),
    column("log-normal 1", () => Math.exp(normal())),
    column("log-normal 2", () => Math.exp(2 * normal())),
    column("rounded", () => Math.round(2 * normal())),
    column("half zero", () => (random() < 0.5 ? 0 : Math.exp(normal()))),
    {
      ...column("category", () => Math.min(3, Math.floor(-Math.log(1 - random())))),
      categories: ["a", "b", "c", "d"],
    },
  ];
  return { name: "synthetic", columns, rows, groups: new Map() };
}
