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
  const index = output === undefined ? predicted : indexOfLabel(output, names, "output");
  return { indices: [index], names: [names[index] ?? ""], isList: false };
}

/**
 * The index of an output. A label may be the text of a number: it is looked for first. An index may come as text, of a query.
 * @param field of the parameters
 * @throws ApiError `invalid_request` that lists the outputs
 */
export function indexOfLabel(
  label: string | number,
  names: readonly string[],
  field: "output" | "target",
): number {
  const named = names.indexOf(String(label));
  if (typeof label === "string" && named >= 0) return named;
  const isIndex = typeof label === "number" || /^\d{1,9}$/.test(label);
  if (isIndex && names[Number(label)] !== undefined) return Number(label);
  throw new ApiError(
    "invalid_request",
    `"parameters.${field}" must be one of ${listNames(names)}, or an index from 0 to ${names.length - 1}${field === "output" ? ", or all" : ""}; got ${typeof label === "string" ? quote(label) : label}.`,
    { details: { field: `parameters.${field}`, valid: names.slice(0, MAX_LISTED) } },
  );
}

/** `a, b, c and 7 more` */
export function listNames(names: readonly string[]): string {
  const more = names.length - MAX_LISTED;
  return `${names.slice(0, MAX_LISTED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
