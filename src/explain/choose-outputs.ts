import { ApiError } from "../domain/errors.ts";
import { quote } from "../shared/quote.ts";

/** Which of a model's outputs are explained. */
export interface ChosenOutputs {
  readonly indices: readonly number[];
  readonly names: readonly string[];
  /** Whether the answer has a list for each value, as it was asked for all outputs. */
  readonly isList: boolean;
}

const MAX_LISTED = 20;

/**
 * The outputs that a request asks for.
 * @param output a label, an index from 0, "all", or `undefined` for the predicted one
 * @param names the label or name of each output
 * @param predicted the index of the predicted one
 * @throws ApiError `invalid_request` that lists the outputs
 */
export function chooseOutputs(
  output: string | number | undefined,
  names: readonly string[],
  predicted: number,
): ChosenOutputs {
  if (output === "all") return { indices: names.map((_, index) => index), names, isList: true };
  const index = output === undefined ? predicted : indexOf(output, names);
  const name = names[index];
  if (name !== undefined) return { indices: [index], names: [name], isList: false };
  const listed = names.slice(0, MAX_LISTED).join(", ");
  const more = names.length > MAX_LISTED ? ` and ${names.length - MAX_LISTED} more` : "";
  throw new ApiError(
    "invalid_request",
    `"parameters" are not valid for this model: output must be one of ${listed}${more}, an index from 0 to ${names.length - 1}, or all; got ${typeof output === "string" ? quote(output) : output}.`,
    { details: { field: "output", valid: names.slice(0, MAX_LISTED) } },
  );
}

/** A label may be the text of a number: it is looked for first. An index may come as text, of a query. */
function indexOf(output: string | number, names: readonly string[]): number {
  const named = names.indexOf(String(output));
  if (typeof output === "string" && named >= 0) return named;
  const isIndex = typeof output === "number" || /^\d{1,9}$/.test(output);
  return isIndex ? Number(output) : -1;
}
