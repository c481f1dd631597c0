import * as z from "zod";
import { ApiError } from "../../domain/errors.ts";
import { formatModelId } from "../../domain/model-id.ts";
import { clipAll, quoteAll } from "../../shared/quote.ts";
import { indexOfLabel, listNames } from "../choose-outputs.ts";
import type { ExplanationMethod, ExplanationRequest, PlannedExplanation } from "../method.ts";
import { nearestMethod } from "../methods/nearest-method.ts";
import { refuseRuns } from "../plan-coalitions.ts";
import { type ExplainedTable, openTable } from "../table/explained-table.ts";
import { findCounterfactuals } from "./find-counterfactuals.ts";

/** Enough for three columns of thirty; fewer columns take fewer. */
const DEFAULT_RUNS = 10_000;
const MAX_COLUMNS = 1024;

const parameters = z.strictObject({
  target: z
    .union([z.string().min(1).max(1024), z.int().min(0)])
    .optional()
    .describe(
      "Of counterfactual: the label that is wanted, or its index; any but the predicted one by default.",
    ),
  columns: z
    .array(z.string().max(1024))
    .min(1)
    .max(MAX_COLUMNS)
    .optional()
    .describe("Of counterfactual: the features that may be changed; all by default."),
  count: nearestMethod.parameters.shape.count,
});

type Request = ExplanationRequest<z.output<typeof parameters>>;

/** Small changes that flip the label. */
export const counterfactualMethod: ExplanationMethod<typeof parameters> = {
  name: "counterfactual",
  summary: "The smallest changes of allowed columns that were found to change the predicted label.",
  exact: false,
  isGlobal: false,
  parameters,
  plan,
  suits: async () => false,
};

async function plan(request: Request): Promise<PlannedExplanation> {
  const { version, maxRuns, limit, seed } = request;
  const { call } = version;
  const table = await openTable(request);
  refuseNumbers(table, request);
  const { target } = request.parameters;
  if (target !== undefined && table.outputs.labels.length > 0)
    indexOfLabel(target, table.outputs.labels, "target");
  const columns = columnsOf(table, request.parameters.columns);
  const count = request.parameters.count ?? 1;
  // The row, the background, and what is found.
  const least = 1 + table.background.rows + count;
  const runs = Math.min(maxRuns ?? Math.max(DEFAULT_RUNS, least), limit);
  refuseRuns("counterfactual", least, { maxRuns: runs, limit });
  const isDistance = version.model.manifest.postprocess?.type === "clustering";
  return {
    space: table.outputs.space,
    runs,
    explain: () =>
      findCounterfactuals({ table, columns, target, count, isDistance, maxRuns: runs, seed, call }),
  };
}

/** @throws ApiError `invalid_request` for a version that predicts no labels */
function refuseNumbers({ outputs }: ExplainedTable, { version }: Request): void {
  const { manifest } = version.model;
  const type = manifest.postprocess?.type;
  if (type === "clustering" || (type === "classification" && outputs.space !== "output")) return;
  if (type === "classification")
    throw new ApiError(
      "invalid_request",
      '"parameters.space" must be probability, margin or log_odds for the method counterfactual: it compares the scores of labels.',
      { details: { field: "parameters.space", valid: ["probability", "margin", "log_odds"] } },
    );
  const valid = ["exact", "kernel", "permutation", "lime", "nearest"];
  throw new ApiError(
    "invalid_request",
    `The method counterfactual changes a predicted label, and ${formatModelId(manifest)} predicts numbers. Use one of ${valid.join(", ")}.`,
    { details: { field: "parameters.method", valid } },
  );
}

/** @throws ApiError `invalid_request` for a column that is not there */
function columnsOf({ row }: ExplainedTable, wanted: readonly string[] | undefined): number[] {
  const { featureNames } = row;
  const indices = featureNames.map((_, index) => index);
  if (!wanted) return indices;
  const unknown = wanted.filter((name) => !featureNames.includes(name));
  if (unknown.length === 0)
    return indices.filter((index) => wanted.includes(featureNames[index] ?? ""));
  throw new ApiError(
    "invalid_request",
    `"parameters.columns" has ${quoteAll(unknown)}, and the features are ${listNames(featureNames)}.`,
    { details: { field: "parameters.columns", unknown: clipAll(unknown) } },
  );
}
