import { ApiError } from "../../domain/errors.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { formatModelId } from "../../domain/model-id.ts";
import { quote } from "../../shared/quote.ts";
import { listNames } from "../choose-outputs.ts";
import { METRIC_DEFINITIONS, METRICS, type Metric, type MetricName } from "./metrics.ts";

export interface ReadTruths {
  readonly name: MetricName;
  readonly metric: Metric;
  /** Indices of labels, or numbers. */
  readonly truths: Float64Array;
}

/**
 * What the right answers to rows are, and how a model's are compared with them.
 * @throws ApiError `invalid_request` for truths or a metric that the model cannot have
 */
export function readTruths(
  manifest: Manifest,
  rows: number,
  truth: readonly (string | number | boolean)[] | undefined,
  wanted: MetricName | undefined,
): ReadTruths {
  const { postprocess, labels = [] } = manifest;
  if (postprocess && postprocess.type !== "classification" && postprocess.type !== "regression")
    throw new ApiError(
      "invalid_request",
      `The method permutation_importance compares answers with truths: of classifications and of numbers. ${formatModelId(manifest)} has the task ${manifest.task}.`,
      { details: { field: "parameters.method" } },
    );
  const isOfClasses = postprocess?.type === "classification";
  const valid = METRICS.filter((name) => METRIC_DEFINITIONS[name].isOfClasses === isOfClasses);
  const name = wanted ?? (valid[0] as MetricName);
  if (!valid.includes(name))
    throw new ApiError(
      "invalid_request",
      `"parameters.metric" cannot be ${name} for ${formatModelId(manifest)}: send ${valid.join(" or ")}.`,
      { details: { field: "parameters.metric", valid } },
    );
  if (!truth || truth.length !== rows)
    throw new ApiError(
      "invalid_request",
      `The method permutation_importance needs "parameters.truth", a list with the right ${isOfClasses ? "label" : "number"} of each of the ${rows} rows; ${truth ? `got ${truth.length}` : "it is missing"}.`,
      { details: { field: "parameters.truth", expected: rows, actual: truth?.length ?? null } },
    );
  const read = (value: string | number | boolean, row: number): number => {
    const number = isOfClasses ? labels.indexOf(String(value)) : value;
    if (typeof number === "number" && (number >= 0 || !isOfClasses)) return number;
    throw new ApiError(
      "invalid_request",
      `"parameters.truth[${row}]" must be ${isOfClasses ? `one of ${listNames(labels)}` : "a number"}; got ${typeof value === "string" ? quote(value) : value}.`,
      { details: { field: `parameters.truth[${row}]` } },
    );
  };
  return { name, metric: METRIC_DEFINITIONS[name], truths: Float64Array.from(truth, read) };
}
