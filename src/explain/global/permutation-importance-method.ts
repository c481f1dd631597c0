import * as z from "zod";
import { ApiError } from "../../domain/errors.ts";
import { formatModelId } from "../../domain/model-id.ts";
import { createSeededRandom } from "../../shared/random.ts";
import type { ExplanationMethod, ExplanationRequest, PlannedExplanation } from "../method.ts";
import { refuseRuns } from "../plan-coalitions.ts";
import { featuresSchema } from "./feature-parameters.ts";
import {
  chooseFeatures,
  type GlobalTable,
  lastOf,
  MAX_GLOBAL_ROWS,
  openGlobalTable,
} from "./global-table.ts";
import { METRICS } from "./metrics.ts";
import {
  drawPermutations,
  type Importance,
  type ImportanceOptions,
  importanceOf,
  scoreOf,
} from "./permutation-importance.ts";
import { type ReadTruths, readTruths } from "./truths.ts";

const parameters = z.object({
  features: featuresSchema,
  truth: z
    .array(z.union([z.string().max(1024), z.number(), z.boolean()]))
    .max(MAX_GLOBAL_ROWS)
    .optional()
    .describe("Of permutation_importance: the right label or number of each row."),
  metric: z
    .enum(METRICS)
    .optional()
    .describe(
      "Of permutation_importance: accuracy (the default) or log_loss of a classifier, r2 (the default) or rmse of numbers.",
    ),
  repeats: z
    .int()
    .min(1)
    .max(100)
    .default(5)
    .describe("Of permutation_importance: how often each feature is shuffled."),
});

type Parameters = z.output<typeof parameters>;

export const permutationImportanceMethod: ExplanationMethod<typeof parameters> = {
  name: "permutation_importance",
  summary:
    "How much worse the model's answers agree with truths when the values of a feature are shuffled.",
  exact: false,
  isGlobal: true,
  parameters,
  plan,
  suits: async () => false,
};

async function plan(request: ExplanationRequest<Parameters>): Promise<PlannedExplanation> {
  const { version, parameters: own, seed } = request;
  const { manifest } = version.model;
  const isOfClasses = manifest.postprocess?.type === "classification";
  const space = isOfClasses ? "probability" : "output";
  if (request.space !== undefined && request.space !== space)
    throw new ApiError(
      "invalid_request",
      `"parameters.space" must be ${space} for the method permutation_importance of ${formatModelId(manifest)}; got ${request.space}.`,
      { details: { field: "parameters.space", valid: [space] } },
    );
  const opened = await openGlobalTable(request, space);
  const { table, outputs } = opened;
  const truths = readTruths(manifest, table.rows, own.truth, own.metric);
  const columns = chooseFeatures(own.features, table.featureNames);
  const runs = table.rows * (1 + columns.length * own.repeats);
  refuseRuns(
    "permutation_importance",
    runs,
    request,
    `for ${columns.length} features of ${table.rows} rows, each ${own.repeats} times`,
  );
  const job: Job = {
    opened,
    columns,
    truths,
    options: {
      metric: truths.metric,
      truths: truths.truths,
      outputs: isOfClasses ? outputs.labels.map((_, index) => index) : [0],
    },
    repeats: own.repeats,
    seed,
    runs,
  };
  return { space, runs, explain: () => lastOf(explain(job)), stream: () => explain(job) };
}

interface Job {
  readonly opened: GlobalTable;
  readonly columns: readonly number[];
  readonly truths: ReadTruths;
  readonly options: ImportanceOptions;
  readonly repeats: number;
  readonly seed: number;
  readonly runs: number;
}

/** Each feature, and all of them in the end. */
async function* explain({
  opened,
  columns,
  truths,
  options,
  repeats,
  seed,
  runs,
}: Job): AsyncGenerator<object> {
  const { table, outputs } = opened;
  const score = await scoreOf(opened, options);
  const found: Importance[] = [];
  for (const column of columns) {
    // Each feature has the same permutations, as in scikit-learn: what differs is the feature alone.
    const permutations = drawPermutations(table.rows, repeats, createSeededRandom(seed));
    const one = await importanceOf(opened, options, column, score, permutations);
    found.push(one);
    yield {
      feature_name: table.featureNames[column],
      importance_mean: one.mean,
      importance_std: one.deviation,
    };
  }
  yield {
    method: permutationImportanceMethod.name,
    exact: false,
    space: outputs.space,
    metric: truths.name,
    score,
    feature_names: columns.map((column) => table.featureNames[column]),
    importances_mean: found.map(({ mean }) => mean),
    importances_std: found.map(({ deviation }) => deviation),
    importances: found.map(({ importances }) => importances),
    rows: table.rows,
    repeats,
    runs,
    seed,
  };
}
