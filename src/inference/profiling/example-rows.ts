import { postprocessDefinition } from "../../domain/blocks/registry.ts";
import { ApiError } from "../../domain/errors.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { formatModelId } from "../../domain/model-id.ts";
import { MAX_EXAMPLE_ROWS, MIN_EXAMPLE_ROWS } from "../../domain/monitoring/reference-profile.ts";
import type { TaskRequest } from "../../domain/task.ts";
import { describe } from "../../domain/tensor-json.ts";

/** Rows of one request to the task, between which the deadline is looked at. */
const ROWS_PER_REQUEST = 256;

/** @throws ApiError `task_not_supported` for a version whose task gives no prediction for each of several rows */
export function checkProfiledTask({
  name,
  version,
  task,
  preprocess,
  postprocess,
}: Manifest): void {
  const generates = postprocess && postprocessDefinition(postprocess).generates === true;
  if (preprocess && postprocess && !generates && preprocess.type !== "audio-windows") return;
  throw new ApiError(
    "task_not_supported",
    `${formatModelId({ name, version })} ${task ? `has the task ${task}, which` : "has no task, and"} cannot be run for rows of example data: send a finished profile.`,
  );
}

/**
 * The requests to the task that example data is sent in.
 * @throws ApiError `invalid_request` for what is no list of rows, or has too few or too many
 */
export function* toRequests({ inputs, parameters }: TaskRequest): Generator<TaskRequest> {
  if (!Array.isArray(inputs)) {
    // A table, whose rows its reader counts.
    if (typeof inputs !== "object" || inputs === null)
      throw new ApiError(
        "invalid_request",
        `"inputs" must be a list of rows, or a table; got ${describe(inputs)}.`,
      );
    yield { inputs, parameters };
    return;
  }
  checkRows(inputs.length);
  for (let at = 0; at < inputs.length; at += ROWS_PER_REQUEST)
    yield { inputs: inputs.slice(at, at + ROWS_PER_REQUEST), parameters };
}

/** @throws ApiError `invalid_request` for more rows than a profile is made of, of which there may be others */
export function refuseMore(rows: number): void {
  if (rows <= MAX_EXAMPLE_ROWS) return;
  throw new ApiError(
    "invalid_request",
    `The example data has more than ${MAX_EXAMPLE_ROWS} rows: a profile is made of ${MIN_EXAMPLE_ROWS} to ${MAX_EXAMPLE_ROWS}.`,
    { details: { min: MIN_EXAMPLE_ROWS, max: MAX_EXAMPLE_ROWS } },
  );
}

/** @throws ApiError `invalid_request` */
export function checkRows(rows: number): void {
  if (rows >= MIN_EXAMPLE_ROWS && rows <= MAX_EXAMPLE_ROWS) return;
  throw new ApiError(
    "invalid_request",
    `The example data has ${rows} rows: a profile is made of ${MIN_EXAMPLE_ROWS} to ${MAX_EXAMPLE_ROWS}.`,
    { details: { rows, min: MIN_EXAMPLE_ROWS, max: MAX_EXAMPLE_ROWS } },
  );
}
