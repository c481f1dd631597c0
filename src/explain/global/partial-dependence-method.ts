import * as z from "zod";
import { ApiError } from "../../domain/errors.ts";
import type { FeatureData } from "../../domain/explanation/explanation.ts";
import type { ChosenOutputs } from "../choose-outputs.ts";
import type { ExplanationMethod, ExplanationRequest, PlannedExplanation } from "../method.ts";
import { refuseRuns } from "../plan-coalitions.ts";
import { featuresSchema } from "./feature-parameters.ts";
import {
  chooseFeatures,
  chooseGlobalOutputs,
  type GlobalTable,
  lastOf,
  openGlobalTable,
} from "./global-table.ts";
import { toGrid } from "./grid.ts";
import { type Dependence, dependOn } from "./partial-dependence.ts";

const parameters = z.object({
  features: featuresSchema,
  points: z
    .int()
    .min(2)
    .max(500)
    .default(20)
    .describe(
      "Of partial_dependence: values of each feature, at equal distances between its quantiles of 5 and 95 %; a feature with fewer values has those.",
    ),
  kind: z
    .enum(["average", "individual", "both"])
    .default("average")
    .describe(
      "Of partial_dependence: the mean over all rows, the line of each row (ICE), or both.",
    ),
});

type Parameters = z.output<typeof parameters>;

/** One feature: lists for several outputs. */
interface FeatureDependence {
  readonly feature_name: string;
  readonly grid_values: readonly FeatureData[];
  readonly average?: number[] | number[][];
  readonly individual?: number[][] | number[][][];
}

export const partialDependenceMethod: ExplanationMethod<typeof parameters> = {
  name: "partial_dependence",
  summary:
    "How the mean output over the rows depends on one feature at a time, and the lines of single rows (ICE).",
  exact: true,
  isGlobal: true,
  parameters,
  plan,
  suits: async () => false,
};

async function plan(request: ExplanationRequest<Parameters>): Promise<PlannedExplanation> {
  const { parameters: own, space, version } = request;
  const opened = await openGlobalTable(request, space);
  const { table, reader, outputs } = opened;
  const columns = chooseFeatures(own.features, table.featureNames);
  const grids: Float64Array[] = [];
  for (const column of columns) {
    await version.call.checkpoint();
    const { rows, columns: width, values } = table;
    const ofColumn = Float64Array.from(
      { length: rows },
      (_, row) => values[row * width + column] ?? 0,
    );
    grids.push(toGrid(ofColumn, own.points, reader.categories[column] !== undefined));
  }
  // Where the labels are not known before, a row says how many outputs there are.
  const width = outputs.labels.length || (await widthOf(opened));
  const chosen = chooseGlobalOutputs(request.output, outputs.names(width));
  const probed = outputs.labels.length > 0 ? 0 : 1;
  const runs = probed + grids.reduce((sum, { length }) => sum + length * table.rows, 0);
  refuseRuns(
    "partial_dependence",
    runs,
    request,
    `for ${columns.length} features of ${table.rows} rows`,
  );
  if (own.kind !== "average") refuseLines(grids, table.rows, chosen.indices.length);
  const job = { opened, columns, grids, chosen, runs, own };
  return {
    space: outputs.space,
    runs,
    explain: () => lastOf(explain(job)),
    stream: () => explain(job),
  };
}

/** Numbers of the lines of single rows: some megabytes of an answer. */
const MAX_LINE_NUMBERS = 200_000;

/** @throws ApiError `invalid_request` for more lines than an answer may have */
function refuseLines(grids: readonly Float64Array[], rows: number, outputs: number): void {
  const numbers = grids.reduce((sum, { length }) => sum + length, 0) * rows * outputs;
  if (numbers <= MAX_LINE_NUMBERS) return;
  throw new ApiError(
    "invalid_request",
    `The lines of ${rows} rows would have ${numbers} numbers, and may have ${MAX_LINE_NUMBERS}: send fewer rows, features or points, one output, or kind average.`,
    { details: { field: "parameters.kind", limit: MAX_LINE_NUMBERS, actual: numbers } },
  );
}

interface Job {
  readonly opened: GlobalTable;
  readonly columns: readonly number[];
  readonly grids: readonly Float64Array[];
  readonly chosen: ChosenOutputs;
  readonly runs: number;
  readonly own: Parameters;
}

/** Each feature, and all of them in the end. */
async function* explain(job: Job): AsyncGenerator<object> {
  const { opened, columns, grids, chosen, runs } = job;
  const { table, outputs } = opened;
  const found: FeatureDependence[] = [];
  for (const [place, column] of columns.entries()) {
    const grid = grids[place] as Float64Array;
    const dependence = await dependOn(
      opened,
      column,
      grid,
      chosen.indices,
      job.own.kind !== "average",
    );
    const one = toFeature(job, column, grid, dependence);
    found.push(one);
    yield one;
  }
  yield {
    method: partialDependenceMethod.name,
    exact: true,
    space: outputs.space,
    output_names: chosen.names,
    feature_names: columns.map((column) => table.featureNames[column]),
    partial_dependence: found,
    rows: table.rows,
    runs,
    seed: null,
  };
}

function toFeature(
  { opened, chosen, own }: Job,
  column: number,
  grid: Float64Array,
  { average, individual }: Dependence,
): FeatureDependence {
  const { reader, table } = opened;
  const points = grid.length;
  const names = reader.categories[column];
  const line = (all: Float64Array, index: number): number[] =>
    Array.from(all.subarray(index * points, (index + 1) * points));
  const ofOutputs = <T>(make: (place: number) => T): T | T[] =>
    chosen.isList ? chosen.indices.map((_, place) => make(place)) : make(0);
  return {
    feature_name: table.featureNames[column] ?? String(column),
    grid_values: Array.from(grid, (value) => names?.[value] ?? value),
    ...(own.kind !== "individual" && {
      average: ofOutputs((place) => line(average, place)) as number[],
    }),
    ...(own.kind !== "average" && {
      individual: ofOutputs((place) =>
        Array.from({ length: table.rows }, (_, row) => line(individual, place * table.rows + row)),
      ) as number[][],
    }),
  };
}

async function widthOf({ model, table }: GlobalTable): Promise<number> {
  const { width } = await model.predict(table.values.subarray(0, table.columns), 1);
  return width;
}
