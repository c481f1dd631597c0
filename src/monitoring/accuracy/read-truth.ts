import { ApiError } from "../../domain/errors.ts";
import type { TruthValue } from "../../domain/monitoring/feedback.ts";
import type { KeptRow } from "../../domain/monitoring/prediction-batch.ts";
import { quote } from "../../shared/quote.ts";

/** Labels that an error lists. */
const MAX_LISTED = 10;

export interface PredictedRows {
  readonly version: string;
  readonly count: number;
  readonly rows: readonly KeptRow[];
}

/**
 * The truth of each row.
 * @param labels of the model; `undefined` where it does not say them
 * @throws ApiError `invalid_truth` that says what was expected
 */
export function readTruth(
  truth: TruthValue | readonly TruthValue[],
  { count, rows }: PredictedRows,
  labels: readonly string[] | undefined,
): readonly TruthValue[] {
  const isList = Array.isArray(truth);
  const values: readonly TruthValue[] = isList ? truth : [truth as TruthValue];
  if (values.length !== count) throw wrongLength(count, isList ? values.length : undefined);
  if (values.every((value) => value === null))
    throw invalid("The truth is null: send a label or a number, or leave the request out.");
  const kinds = new Set(rows.map(kindOf).filter((kind) => kind !== undefined));
  // Rows beyond those that are kept are of the same kind.
  const [kind] = kinds.size === 1 ? [...kinds] : [];
  values.forEach((value, index) => {
    const expected = kindOf(rows[index] ?? null) ?? kind;
    if (value === null || expected === undefined) return;
    const place = isList ? `truth[${index}]` : "truth";
    if (typeof value !== expected) throw wrongType(place, expected, value);
    if (typeof value === "string" && labels && !labels.includes(value))
      throw unknownLabel(place, value, labels);
    if (typeof value === "number" && !Number.isFinite(value))
      throw wrongType(place, expected, value);
  });
  return values;
}

function kindOf(row: KeptRow): "string" | "number" | undefined {
  if (row === null) return undefined;
  return typeof row === "number" ? "number" : "string";
}

function wrongLength(count: number, received: number | undefined): ApiError {
  if (received === undefined)
    return invalid(
      `The request had ${count} rows: send a list with the truth of each, null where it is not known.`,
      { expected: count },
    );
  const rows = count === 1 ? "1 row" : `${count} rows`;
  return invalid(`The request had ${rows}, and the truth is a list of ${received}.`, {
    expected: count,
    received,
  });
}

function wrongType(place: string, expected: "string" | "number", value: TruthValue): ApiError {
  const what = expected === "string" ? "a label, which is a text" : "a number";
  const text = typeof value === "string" ? quote(value) : String(value);
  return invalid(`${place} must be ${what}, as what the model predicts; got ${text}.`, {
    expected,
  });
}

function unknownLabel(place: string, value: string, labels: readonly string[]): ApiError {
  const listed = labels.slice(0, MAX_LISTED).map((label) => quote(label));
  const more = labels.length > MAX_LISTED ? ` and ${labels.length - MAX_LISTED} more` : "";
  return invalid(
    `${place} is ${quote(value)}, which is no label of the model: its labels are ${listed.join(", ")}${more}.`,
    { labels: labels.slice(0, MAX_LISTED) },
  );
}

function invalid(message: string, details: Readonly<Record<string, unknown>> = {}): ApiError {
  return new ApiError("invalid_truth", message, { details: { field: "truth", ...details } });
}
