import { createSeededRandom } from "../../src/shared/random.ts";
import type { Benchmark } from "../benchmark.ts";
import { type Detection, type Population, type Simulation, simulate } from "../drift/simulate.ts";
import { createSyntheticTable, readTables, type Table } from "../drift/tables.ts";
import type { Table as Printed } from "../table.ts";

const RULES = { level: 0.01, minEffect: 0.1 };
const WINDOW_ROWS = [50, 500, 5000];
const REFERENCE_ROWS = 1000;
/** Of 100 references ten windows each: 1,000 windows. */
const UNDRIFTED = { references: 100, windows: 10 };
const SHIFTED = { references: 50, windows: 4 };
const SHIFTS = [0.2, 0.5];
const SEED = 2026;
/** Differences that real tables have, by a column that is no input. */
const SPLITS: readonly { table: string; column: string; from: string; to: string }[] = [
  { table: "penguins", column: "island", from: "Biscoe", to: "Dream" },
  { table: "penguins", column: "island", from: "Dream", to: "Torgersen" },
  { table: "penguins", column: "year", from: "2007", to: "2009" },
  { table: "wine", column: "group", from: "class_0", to: "class_1" },
  { table: "breast-cancer", column: "group", from: "benign", to: "malignant" },
  { table: "iris", column: "group", from: "versicolor", to: "virginica" },
  { table: "flights", column: "month", from: "1", to: "2" },
  { table: "flights", column: "month", from: "1", to: "4" },
  { table: "flights", column: "month", from: "1", to: "7" },
];

type Sizes = Pick<Simulation, "references" | "windows">;

export const drift: Benchmark = {
  name: "drift",
  description:
    "false alarms and detection of drift, in tables of DRIFT_ROWS (recipes/drift_rows.py)",
  async run({ report }) {
    const random = createSeededRandom(SEED);
    const folder = process.env.DRIFT_ROWS;
    const tables = [createSyntheticTable(100_000, random), ...(folder ? readTables(folder) : [])];
    const raw: Record<string, Detection> = {};
    const measure = (key: string, simulation: Omit<Simulation, "rules">): Detection => {
      report(key);
      const found = simulate({ ...simulation, rules: RULES }, random);
      raw[key] = found;
      return found;
    };
    const undrifted = tables.map((table) =>
      bySize(
        `${table.name} (${table.columns.length})`,
        UNDRIFTED,
        allOf(table),
        allOf(table),
        measure,
      ),
    );
    const small = tables.map((table) =>
      bySize(
        `${table.name}, reference of 100`,
        UNDRIFTED,
        allOf(table),
        allOf(table),
        measure,
        undefined,
        100,
      ),
    );
    const shifted = tables.flatMap((table) =>
      SHIFTS.map((deviations) =>
        bySize(
          `${table.name} by ${deviations}`,
          SHIFTED,
          allOf(table),
          allOf(table),
          measure,
          (index) => ({
            column: numericColumn(table, index),
            deviations,
          }),
        ),
      ),
    );
    const split = SPLITS.flatMap(({ table: name, column, from, to }) => {
      const table = tables.find((each) => each.name === name);
      if (!table) return [];
      const label = `${name}, ${column} ${from} to ${to}`;
      return [
        bySize(label, SHIFTED, groupOf(table, column, from), groupOf(table, column, to), measure),
      ];
    });
    return {
      tables: [
        toTable(
          "False alarms, % of 1,000 windows without drift, reference of 1,000 rows",
          undrifted,
        ),
        toTable("False alarms, the same with a reference of 100 rows", small),
        toTable("Detection of one column that is shifted by deviations, % of windows", shifted),
        toTable("Detection of real differences, % of windows", split),
      ],
      raw,
    };
  },
};

function bySize(
  label: string,
  sizes: Sizes,
  reference: Population,
  window: Population,
  measure: (key: string, simulation: Omit<Simulation, "rules">) => Detection,
  shiftOf?: Simulation["shiftOf"],
  referenceRows = REFERENCE_ROWS,
): readonly string[] {
  return [
    label,
    ...WINDOW_ROWS.flatMap((windowRows) => {
      const key = `${label}, ${windowRows} rows`;
      const {
        window: one,
        pair,
        fixed,
      } = measure(key, {
        ...sizes,
        reference,
        window,
        referenceRows,
        windowRows,
        ...(shiftOf && { shiftOf }),
      });
      return [one, pair, fixed].map((share) => (100 * share).toFixed(1));
    }),
  ];
}

function toTable(title: string, rows: readonly (readonly string[])[]): Printed {
  const columns = WINDOW_ROWS.flatMap((rowCount) => [
    `${rowCount}: one`,
    "two in a row",
    "PSI > 0.1",
  ]);
  return { title, columns: ["", ...columns], rows };
}

function allOf(table: Table): Population {
  return { table, rows: Array.from({ length: table.rows }, (_, row) => row) };
}

function groupOf(table: Table, column: string, group: string): Population {
  const groups = table.groups.get(column) ?? [];
  return { table, rows: groups.flatMap((each, row) => (each === group ? [row] : [])) };
}

/** Another column for each reference. */
function numericColumn({ columns }: Table, index: number): number {
  const numeric = columns.flatMap(({ categories }, at) => (categories ? [] : [at]));
  return numeric[index % numeric.length] ?? 0;
}
