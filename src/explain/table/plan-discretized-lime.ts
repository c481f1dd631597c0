import { createSeededRandom } from "../../shared/random.ts";
import type { ChosenOutputs } from "../choose-outputs.ts";
import { mostSamples, refuseSamples, refuseWeights, toWeight } from "../estimators/lime.ts";
import { fitSurrogate } from "../estimators/surrogate.ts";
import type { ExplanationRequest, PlannedExplanation } from "../method.ts";
import { DEFAULT_MAX_RUNS, refuseRuns } from "../plan-coalitions.ts";
import { toExplanation } from "../to-explanation.ts";
import { type DiscretizedColumn, discretizeCategories, discretizeNumbers } from "./discretizer.ts";
import { chooseRowOutputs, type ExplainedTable, openTable } from "./explained-table.ts";

export interface DiscretizedLimeOptions {
  /** The row itself is one of them. */
  readonly samples: number | undefined;
  /** By the number of columns. */
  readonly kernelWidth: (columns: number) => number;
}

/** As the package has it. */
const DEFAULT_SAMPLES = 5000;

/**
 * LIME for tables as the package has it by default: samples are drawn column by column from the background, and a ridge regression on which of
 * their values are in the bins of the row's is weighted by how many.
 * Source: lime 0.2, `LimeTabularExplainer`.
 */
export async function planDiscretizedLime(
  { samples, kernelWidth }: DiscretizedLimeOptions,
  request: ExplanationRequest,
): Promise<PlannedExplanation> {
  const table = await openTable(request);
  const { columns } = table.row;
  const allowed = Math.min(request.maxRuns ?? DEFAULT_MAX_RUNS, request.limit);
  const most = mostSamples(columns);
  const count = samples ?? Math.max(columns + 2, Math.min(DEFAULT_SAMPLES, allowed, most));
  refuseSamples(count, columns);
  refuseRuns("lime", count, request, samples ? "for its samples" : `for ${columns} features`);
  return {
    space: table.outputs.space,
    runs: count,
    explain: () => explain(table, count, kernelWidth(columns), request),
  };
}

async function explain(
  table: ExplainedTable,
  count: number,
  width: number,
  { version, output, seed }: ExplanationRequest,
): Promise<object> {
  const { row, background, reader, model, outputs } = table;
  const { columns } = row;
  const discretized: DiscretizedColumn[] = [];
  for (const [column, name] of row.featureNames.entries()) {
    await version.call.checkpoint();
    const values = Float64Array.from(
      { length: background.rows },
      (_, other) => background.values[other * columns + column] as number,
    );
    const categories = reader.categories[column];
    discretized.push(
      categories ? discretizeCategories(name, categories, values) : discretizeNumbers(name, values),
    );
  }
  const own = discretized.map((column, index) => column.binOf(row.values[index] as number));
  const { rows, presence } = await draw(discretized, own, table, count, seed, version.call);
  const { values: found, width: all } = await model.predict(rows, count);
  const chosen = chooseRowOutputs(table, output, found.subarray(0, all));
  const y = pick(found, all, chosen);
  const weights = Float64Array.from({ length: count }, (_, sample) => {
    let absent = columns;
    for (let column = 0; column < columns; column++)
      absent -= presence[sample * columns + column] as number;
    return toWeight(Math.sqrt(absent), width);
  });
  refuseWeights(weights, width);
  const targets = chosen.indices.length;
  const surrogate = await fitSurrogate({ columns, targets, x: presence, y, weights }, () =>
    version.call.checkpoint(),
  );
  return {
    ...toExplanation({
      method: "lime",
      exact: false,
      space: outputs.space,
      outputs: chosen,
      featureNames: row.featureNames,
      data: row.data[0] ?? [],
      base: surrogate.intercepts,
      output: y.subarray(0, targets),
      values: surrogate.coefficients,
      standardErrors: surrogate.standardErrors,
      runs: count,
      seed,
    }),
    conditions: discretized.map((column, index) => column.describe(own[index] as number)),
  };
}

/** Samples, the row itself first, and by column whether they are in the bin of the row. */
async function draw(
  discretized: readonly DiscretizedColumn[],
  own: readonly number[],
  { row }: ExplainedTable,
  count: number,
  seed: number,
  { checkpoint }: ExplanationRequest["version"]["call"],
): Promise<{ readonly rows: Float64Array; readonly presence: Float64Array }> {
  const random = createSeededRandom(seed);
  const { columns } = row;
  const rows = new Float64Array(count * columns);
  const presence = new Float64Array(count * columns);
  rows.set(row.values);
  presence.fill(1, 0, columns);
  for (let sample = 1; sample < count; sample++) {
    if (sample % SAMPLES_PER_STEP === 0) await checkpoint();
    for (const [column, each] of discretized.entries()) {
      const bin = each.draw(random);
      rows[sample * columns + column] = each.sample(bin, random);
      presence[sample * columns + column] = bin === own[column] ? 1 : 0;
    }
  }
  return { rows, presence };
}

const SAMPLES_PER_STEP = 256;

/** The outputs that are explained, of all. */
function pick(values: Float64Array, width: number, { indices }: ChosenOutputs): Float64Array {
  const rows = values.length / width;
  const picked = new Float64Array(rows * indices.length);
  for (let row = 0; row < rows; row++)
    for (const [at, index] of indices.entries())
      picked[row * indices.length + at] = values[row * width + index] as number;
  return picked;
}
