import type { DriftRules } from "../../src/domain/monitoring/drift-fields.ts";
import {
  toCategoryReference,
  toNumericReference,
} from "../../src/domain/monitoring/reference-feature.ts";
import type { ReferenceFeature } from "../../src/domain/monitoring/reference-profile.ts";
import { assessWindow } from "../../src/monitoring/drift/assess-window.ts";
import { binOf } from "../../src/shared/bin-of.ts";
import type { Random } from "../../src/shared/random.ts";
import type { Column, Table } from "./tables.ts";

/** Where rows are drawn from, with replacement: all of a table, or some of its rows. */
export interface Population {
  readonly table: Table;
  readonly rows: readonly number[];
}

/** By how many deviations a column is moved; none when it is left out. */
export interface Shift {
  readonly column: number;
  readonly deviations: number;
}

export interface Simulation {
  readonly reference: Population;
  readonly window: Population;
  readonly referenceRows: number;
  readonly windowRows: number;
  readonly references: number;
  /** One after the other, compared with the same reference. */
  readonly windows: number;
  readonly rules: Pick<DriftRules, "level" | "minEffect">;
  readonly shiftOf?: (reference: number) => Shift;
}

/** Shares of all windows, and of all pairs of consecutive ones. */
export interface Detection {
  readonly window: number;
  /** The same feature in two windows in a row. */
  readonly pair: number;
  /** What a fixed threshold of 0.1 of the population stability index says of a window. */
  readonly fixed: number;
}

const FIXED_THRESHOLD = 0.1;

export function simulate(simulation: Simulation, random: Random): Detection {
  const { reference, window, referenceRows, windowRows, references, windows, rules } = simulation;
  const counts = { windows: 0, pairs: 0, window: 0, pair: 0, fixed: 0 };
  for (let index = 0; index < references; index++) {
    const drawn = draw(reference, referenceRows, random);
    const features = reference.table.columns.map((column) => toReference(column, drawn));
    const shift = simulation.shiftOf?.(index);
    let before: readonly boolean[] | undefined;
    for (let each = 0; each < windows; each++) {
      const rows = draw(window, windowRows, random);
      const pairs = window.table.columns.map((column, at) => ({
        side: "input" as const,
        reference: features[at] as ReferenceFeature,
        observed: observe(
          column,
          rows,
          features[at] as ReferenceFeature,
          at === shift?.column ? shift.deviations : 0,
        ),
      }));
      const assessed = assessWindow(pairs, rules);
      const drifted = assessed.map((feature) => feature.drifted);
      const psi = assessed.flatMap(({ tests }) =>
        tests.flatMap(({ test, value }) => (test === "psi" ? [value] : [])),
      );
      counts.windows += 1;
      counts.window += Number(drifted.includes(true));
      counts.fixed += Number(psi.some((value) => value > FIXED_THRESHOLD));
      if (before) {
        counts.pairs += 1;
        counts.pair += Number(drifted.some((isDrifted, at) => isDrifted && before?.[at]));
      }
      before = drifted;
    }
  }
  return {
    window: counts.window / counts.windows,
    pair: counts.pair / Math.max(1, counts.pairs),
    fixed: counts.fixed / counts.windows,
  };
}

function draw({ rows }: Population, count: number, random: Random): number[] {
  return Array.from({ length: count }, () => rows[Math.floor(random() * rows.length)] as number);
}

function toReference(
  { name, categories, values }: Column,
  rows: readonly number[],
): ReferenceFeature {
  const numbers = rows.map((row) => values[row] as number);
  return categories
    ? toCategoryReference(name, categories, numbers)
    : toNumericReference(name, numbers);
}

function observe(
  { values, categories }: Column,
  rows: readonly number[],
  reference: ReferenceFeature,
  deviations: number,
) {
  const counts = new Array<number>(reference.counts.length).fill(0);
  const moved = reference.kind === "numeric" ? deviations * reference.deviation : 0;
  let missing = 0;
  for (const row of rows) {
    const value = values[row] as number;
    if (Number.isNaN(value)) missing += 1;
    else {
      const edges = reference.kind === "numeric" ? reference.edges : [];
      const bin = categories ? value : binOf(edges, value + moved);
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
  }
  return { counts, missing };
}
