import type { Call } from "../../domain/call.ts";
import { ApiError } from "../../domain/errors.ts";
import { indexOfLabel } from "../choose-outputs.ts";
import { type ExplainedTable, predictRow } from "../table/explained-table.ts";
import { borrowChanges, growChanges } from "./find-changes.ts";
import { LabelSearch, type TriedRow } from "./label-search.ts";
import { shrinkChanges } from "./shrink-changes.ts";
import { createTableChanges, type TableChanges } from "./table-changes.ts";

export interface CounterfactualOptions {
  readonly table: ExplainedTable;
  /** That may be changed. */
  readonly columns: readonly number[];
  /** The label that is wanted, or its index; any but the predicted one when left out. */
  readonly target: string | number | undefined;
  readonly count: number;
  /** Whether the model's outputs are distances, of which the least is the label. */
  readonly isDistance: boolean;
  readonly maxRuns: number;
  readonly seed: number;
  readonly call: Call;
}

/** Background rows whose values are taken over, by the number of changes that are wanted. */
const BORROWED = 6;

/**
 * Looks for small changes of a row that change the label: grown column by column, and borrowed of background rows with a wanted label; each is
 * then made as small as it can be. It may be that there are smaller ones.
 * Source: Wachter, Mittelstadt and Russell, Counterfactual explanations without opening the black box, 2018.
 */
export async function findCounterfactuals(options: CounterfactualOptions): Promise<object> {
  const { table, columns, target, count, isDistance, maxRuns, call } = options;
  const { row, outputs, model } = table;
  const predicted = await predictRow(table, undefined);
  const [label = 0] = predicted.chosen.indices;
  const names = outputs.names(predicted.values.length);
  const wanted = target === undefined ? undefined : indexOfLabel(target, names, "target");
  if (wanted === label)
    throw new ApiError(
      "invalid_request",
      `"parameters.target" is ${names[label]}, which the model predicts of the input already.`,
      { details: { field: "parameters.target", predicted: names[label] } },
    );
  const isWanted = (other: number): boolean =>
    wanted === undefined ? other !== label : other === wanted;
  const changes = await createTableChanges(table, columns, () => call.checkpoint());
  // The row was run, and what is found will be run again.
  const search = new LabelSearch(model, outputs, isWanted, {
    isDistance,
    maxRuns: maxRuns - 1 - count,
  });
  const found = await collect(changes, search, count, call);
  const chosen = chooseDiverse(changes, found, count);
  const validation = new LabelSearch(model, outputs, isWanted, { isDistance, maxRuns: count });
  const valid = (await validation.try(chosen.map((each) => each.row))).filter(
    (each) => each.isWanted,
  );
  const runs = 1 + search.runs + validation.runs;
  return {
    method: "counterfactual",
    exact: false,
    space: outputs.space,
    output: predicted.values[label],
    output_names: [names[label]],
    feature_names: row.featureNames,
    data: row.data[0],
    counterfactuals: valid.map((each) => toAnswer(table, changes, each)),
    note: valid.length > 0 ? null : noteOf(options, names, wanted, search, runs),
    runs,
    seed: table.background.isDrawn ? options.seed : null,
  };
}

async function collect(
  changes: TableChanges,
  search: LabelSearch,
  count: number,
  call: Call,
): Promise<TriedRow[]> {
  const [start, ...background] = await search.try([changes.row, ...changes.background]);
  if (!start) return [];
  const found: TriedRow[] = [];
  const add = async (some: readonly TriedRow[]): Promise<void> => {
    for (const each of some) {
      await call.checkpoint();
      found.push(await shrinkChanges(changes, search, each));
    }
  };
  await add((await growChanges(changes, search, start, new Set())).slice(0, 2 * count));
  await add(await borrowChanges(changes, search, background, BORROWED * count));
  // Other columns than those that the changes until now depend on.
  const without = new Set<number>();
  for (let attempt = 0; attempt < count && variety(changes, found) < count; attempt++) {
    const nearest = byDistance(changes, found)[attempt];
    if (!nearest) break;
    for (const column of changes.changed(nearest.row)) without.add(column);
    await add((await growChanges(changes, search, start, without)).slice(0, 1));
  }
  return found;
}

/** The nearest ones, each of other columns or with another label: one that changes more of the same says nothing new. */
function chooseDiverse(
  changes: TableChanges,
  found: readonly TriedRow[],
  count: number,
): readonly TriedRow[] {
  const kinds = new Set<string>();
  return byDistance(changes, found)
    .filter((each) => {
      const kind = kindOf(changes, each);
      return !kinds.has(kind) && kinds.add(kind);
    })
    .slice(0, count);
}

function variety(changes: TableChanges, found: readonly TriedRow[]): number {
  return new Set(found.map((each) => kindOf(changes, each))).size;
}

function kindOf(changes: TableChanges, { row, label }: TriedRow): string {
  return `${label}:${changes.changed(row).join()}`;
}

function byDistance({ gower, row }: TableChanges, found: readonly TriedRow[]): TriedRow[] {
  return found.toSorted((a, b) => gower.distance(row, a.row) - gower.distance(row, b.row));
}

function toAnswer(table: ExplainedTable, changes: TableChanges, found: TriedRow): object {
  const { row, outputs } = table;
  const data = changes.toData(found.row);
  const own = row.data[0] ?? [];
  return {
    data,
    output_name: outputs.names(found.values.length)[found.label],
    output: found.values[found.label],
    changes: Object.fromEntries(
      changes
        .changed(found.row)
        .map((column) => [row.featureNames[column], [own[column] ?? null, data[column] ?? null]]),
    ),
    distance: changes.gower.distance(changes.row, found.row),
  };
}

/** What was tried in vain. */
function noteOf(
  { columns, table }: CounterfactualOptions,
  names: readonly string[],
  wanted: number | undefined,
  search: LabelSearch,
  runs: number,
): string {
  const which = columns.length < table.row.columns ? "the allowed columns" : "the columns";
  const goal = wanted === undefined ? "changes the label" : `gives the label ${names[wanted]}`;
  const end = search.isExhausted
    ? `within ${runs} runs; raise max_runs, or send background rows that have the label`
    : "among the values of the background; there may be some beyond them";
  return `No change of ${which} was found that ${goal} ${end}.`;
}
