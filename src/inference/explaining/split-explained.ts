import { checkBatchLimit } from "../../domain/access/request-limits.ts";
import { ApiError } from "../../domain/errors.ts";
import { MAX_EXPLAINED_INPUTS } from "../../domain/explanation/explanation-parameters.ts";
import { Media } from "../../domain/media.ts";
import type { ExplainedVersion } from "../../explain/explained-version.ts";
import { createArrayPreprocessor } from "../../tasks/numeric/array-preprocessor.ts";
import type { AnyPreprocessor, Items } from "../../tasks/preprocessor.ts";
import { splitInputs } from "../../tasks/split-inputs.ts";
import type { ParsedParameters } from "./explanation-parameters.ts";

export interface ExplainedInputs {
  /** Each of them has an explanation of its own. */
  readonly inputs: readonly unknown[];
  /** Whether the answer is a list, as the inputs are. */
  readonly isList: boolean;
}

/**
 * The inputs of a request, as the version's task splits them.
 * @throws ApiError `invalid_input`, `invalid_shape`, `unsupported_media_type`; `invalid_request` for too many
 */
export async function splitExplained(
  version: ExplainedVersion,
  inputs: unknown,
  ofTable: ParsedParameters["ofTable"],
): Promise<ExplainedInputs> {
  const { items, form } = await split(version, inputs, ofTable);
  // Sentences that are compared are explained together.
  if (form !== "list") return { inputs: [inputs], isList: false };
  if (items.length > MAX_EXPLAINED_INPUTS)
    throw new ApiError(
      "invalid_request",
      `"inputs" has ${items.length} inputs: at most ${MAX_EXPLAINED_INPUTS} are explained by one request.`,
      { details: { field: "inputs", limit: MAX_EXPLAINED_INPUTS, actual: items.length } },
    );
  return { inputs: items.map(({ value }) => value), isList: true };
}

/**
 * The inputs of a method that explains a list as one: rows of a table are read by the parameters of the request.
 * @throws ApiError `invalid_input`
 */
export async function splitTable(
  version: ExplainedVersion,
  inputs: unknown,
  ofTable: ParsedParameters["ofTable"],
): Promise<unknown> {
  if (!(inputs instanceof Media) || version.model.manifest.preprocess?.type !== "tabular")
    return inputs;
  const { items } = await split(version, inputs, ofTable);
  return items.map(({ value }) => value);
}

async function split(
  version: ExplainedVersion,
  inputs: unknown,
  ofTable: ParsedParameters["ofTable"],
): Promise<Items> {
  const { call } = version;
  const splitter = await splitterOf(version);
  if (splitter)
    return splitInputs(splitter, inputs, splitter.parameters.parse(ofTable), {
      trace: call.trace,
      checkpoint: () => call.checkpoint(),
      limits: call.limits,
    });
  const isList = Array.isArray(inputs) && !inputs.every(isMessage);
  const values: readonly unknown[] = isList ? inputs : [inputs];
  checkBatchLimit(call.limits, values.length);
  return {
    items: values.map((value, index) => ({ value, path: `inputs[${index}]` })),
    form: isList ? "list" : "one",
  };
}

/** That of the task; of a version without one whose only input is an array of numbers, that of arrays. */
async function splitterOf(version: ExplainedVersion): Promise<AnyPreprocessor | undefined> {
  const { preprocess, postprocess, inputs } = version.model.manifest;
  if (preprocess && postprocess) return (await version.blocks())?.preprocessor;
  const [input, ...others] = inputs;
  const isArray = input && input.datatype !== "BYTES" && input.shape.length >= 2;
  return isArray && others.length === 0 ? createArrayPreprocessor(input) : undefined;
}

/** Of a conversation, which is one input. */
function isMessage(value: unknown): boolean {
  return typeof value === "object" && value !== null && "role" in value;
}
