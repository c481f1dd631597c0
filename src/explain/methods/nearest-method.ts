import * as z from "zod";
import { chooseOutputs } from "../choose-outputs.ts";
import type { ExplanationMethod, ExplanationRequest, PlannedExplanation } from "../method.ts";
import { refuseRuns } from "../plan-coalitions.ts";
import { refuseBackground } from "../table/background.ts";
import { type ExplainedTable, openTable, predictRow } from "../table/explained-table.ts";
import { createGower, rowOf } from "../table/gower.ts";

/** Rows whose distances are computed between two checkpoints. */
const ROWS_PER_STEP = 256;
const DEFAULT_COUNT = 5;
const MAX_COUNT = 100;

const parameters = z.strictObject({
  count: z
    .int()
    .min(1)
    .max(MAX_COUNT)
    .optional()
    .describe(
      `Of nearest and counterfactual: how many examples or changes are returned at most; ${DEFAULT_COUNT} examples and 1 change by default.`,
    ),
});

type Request = ExplanationRequest<z.output<typeof parameters>>;

/** The rows of the background that are most like the input. */
export const nearestMethod: ExplanationMethod<typeof parameters> = {
  name: "nearest",
  summary:
    "The rows of the background that are nearest to the input, with what the model predicts of them.",
  exact: true,
  isGlobal: false,
  parameters,
  plan,
  suits: async () => false,
};

async function plan(request: Request): Promise<PlannedExplanation> {
  // All of them: a distance costs no run.
  if (request.backgroundRows !== undefined)
    refuseBackground("the method nearest looks at all background rows", {
      background: undefined,
      backgroundRows: request.backgroundRows,
    });
  const table = await openTable({ ...request, backgroundRows: Infinity });
  const count = Math.min(request.parameters.count ?? DEFAULT_COUNT, table.background.rows);
  const runs = 1 + count;
  refuseRuns("nearest", runs, request);
  return { space: table.outputs.space, runs, explain: () => explain(table, count, request) };
}

async function explain(table: ExplainedTable, count: number, request: Request): Promise<object> {
  const { row, background, reader, model, outputs } = table;
  const predicted = await predictRow(table, request.output);
  const gower = createGower(row, background, reader.categories);
  const found: { readonly index: number; readonly distance: number }[] = [];
  for (let index = 0; index < background.rows; index++) {
    if (index % ROWS_PER_STEP === ROWS_PER_STEP - 1) await request.version.call.checkpoint();
    found.push({ index, distance: gower.distance(row.values, rowOf(background, index)) });
  }
  // Of equal distances, in their order.
  const nearest = found.sort((a, b) => a.distance - b.distance).slice(0, count);
  const values = new Float64Array(count * row.columns);
  for (const [at, { index }] of nearest.entries())
    values.set(rowOf(background, index), at * row.columns);
  const answers = await model.predict(values, count);
  const neighbors = nearest.map(({ index, distance }, at) => {
    const own = answers.values.subarray(at * answers.width, (at + 1) * answers.width);
    const names = outputs.names(answers.width);
    const chosen = chooseOutputs(request.output, names, outputs.predicted(own));
    return {
      index,
      distance,
      data: background.data[index],
      output_name: chosen.isList ? names[outputs.predicted(own)] : chosen.names[0],
      output: outputOf(own, chosen),
    };
  });
  return {
    method: "nearest",
    exact: true,
    space: outputs.space,
    output: outputOf(predicted.values, predicted.chosen),
    output_names: predicted.chosen.names,
    feature_names: row.featureNames,
    data: row.data[0],
    neighbors,
    runs: 1 + count,
    seed: null,
  };
}

function outputOf(
  values: Float64Array,
  { indices, isList }: ReturnType<typeof chooseOutputs>,
): number | number[] {
  const numbers = indices.map((index) => values[index] ?? 0);
  return isList ? numbers : (numbers[0] ?? 0);
}
