import type { Postprocess } from "../../domain/blocks/registry.ts";
import { clip } from "../../shared/quote.ts";

/** Where an answer differs from the one that is expected. */
export interface Difference {
  /** `[0].score`; empty for the answer itself. */
  readonly path: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

/**
 * The first difference between an answer and that of another engine; `undefined` where there is none.
 * @param tolerance of each number
 * @param type of the block that makes the answer: scores of labels are compared by their labels, because two engines may order
 *   close ones differently
 */
export function findDifference(
  actual: unknown,
  expected: unknown,
  tolerance: number,
  type: Postprocess["type"] | undefined,
): Difference | undefined {
  const field = type && LABELLED[type];
  return field && isLabelled(actual, field) && isLabelled(expected, field)
    ? compareLabels(actual, expected, field, tolerance)
    : compare(actual, expected, tolerance, "");
}

/** The number that belongs to each label, by the type of the block. */
const LABELLED: Partial<Readonly<Record<Postprocess["type"], string>>> = {
  classification: "score",
  "zero-shot-classification": "score",
  clustering: "distance",
};

type Labelled = Readonly<Record<string, unknown>> & { readonly label: string };

function isLabelled(value: unknown, field: string): value is readonly Labelled[] {
  return (
    Array.isArray(value) &&
    value.every((entry) => typeof entry?.label === "string" && typeof entry[field] === "number")
  );
}

/** Each label has its number, and a label is before another one only where their numbers allow it. */
function compareLabels(
  actual: readonly Labelled[],
  expected: readonly Labelled[],
  field: string,
  tolerance: number,
): Difference | undefined {
  if (actual.length !== expected.length) return { path: "", expected, actual };
  const found = new Map(actual.map((entry) => [entry.label, entry[field]]));
  for (const [index, entry] of expected.entries()) {
    const other = found.get(entry.label);
    if (!isClose(other, entry[field], tolerance))
      return { path: `[${index}]`, expected: entry, actual: actual[index] };
  }
  return undefined;
}

function compare(
  actual: unknown,
  expected: unknown,
  tolerance: number,
  path: string,
): Difference | undefined {
  if (typeof expected === "number")
    return isClose(actual, expected, tolerance) ? undefined : { path, expected, actual };
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length)
      return { path, expected, actual };
    return first(expected.entries(), ([index, value]) =>
      compare(actual[index], value, tolerance, `${path}[${index}]`),
    );
  }
  if (typeof expected === "object" && expected !== null) {
    if (typeof actual !== "object" || actual === null) return { path, expected, actual };
    return first(Object.entries(expected), ([name, value]) =>
      compare(
        (actual as Readonly<Record<string, unknown>>)[name],
        value,
        tolerance,
        path === "" ? name : `${path}.${name}`,
      ),
    );
  }
  return Object.is(actual, expected) ? undefined : { path, expected, actual };
}

function first<T>(
  values: Iterable<T>,
  find: (value: T) => Difference | undefined,
): Difference | undefined {
  for (const value of values) {
    const found = find(value);
    if (found) return found;
  }
  return undefined;
}

function isClose(actual: unknown, expected: unknown, tolerance: number): boolean {
  return (
    typeof actual === "number" &&
    typeof expected === "number" &&
    Math.abs(actual - expected) <= tolerance
  );
}

const MAX_SHOWN = 200;

export function describeDifference({ path, expected, actual }: Difference): string {
  const where = path === "" ? "the answer" : `the answer's ${path}`;
  return `${where} is ${show(actual)}, where the example has ${show(expected)}`;
}

function show(value: unknown): string {
  return value === undefined ? "missing" : clip(JSON.stringify(value), MAX_SHOWN);
}
