import * as z from "zod";
import { ApiError } from "../domain/errors.ts";
import { issueMessage } from "../domain/schema-issue.ts";
import { toDouble } from "../shared/json-number.ts";

/** A list may have an issue for each of its elements. */
const MAX_ISSUES = 3;

/**
 * A parameter that is null is left out, as Hugging Face's clients send those that their users did not set.
 * @param valid the names that an error lists, where not all of the schema's apply
 * @throws ApiError `invalid_request` that lists the wrong parameters and the valid names
 */
export function parseParameters<S extends z.ZodObject>(
  schema: S,
  parameters: Readonly<Record<string, unknown>>,
  valid: readonly string[] = Object.keys(schema.shape),
): z.output<S> {
  const result = schema.safeParse(toPresent(parameters), { reportInput: true });
  if (result.success) return result.data;
  throw new ApiError(
    "invalid_request",
    `"parameters" are not valid for this model: ${explain(result.error.issues)} (it takes ${valid.length > 0 ? valid.join(", ") : "none"}).`,
    { details: { valid } },
  );
}

/** Without those that are null; numbers that a double holds only nearly are rounded to it. */
function toPresent(parameters: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const present = Object.entries(parameters).filter(([, value]) => value !== null);
  return Object.fromEntries(present.map(([name, value]) => [name, toDouble(value)]));
}

function explain(issues: readonly z.core.$ZodIssue[]): string {
  const clipped = issues
    .slice(0, MAX_ISSUES)
    .map((issue) => ({ ...issue, message: issueMessage(issue) }));
  return z.prettifyError({ issues: clipped }).replaceAll("\n", " ");
}

/** The parsed parameters that a schema has. */
export function pickParameters<S extends z.ZodObject>(
  schema: S,
  parameters: Readonly<Record<string, unknown>>,
): z.output<S> {
  const names = Object.keys(schema.shape).filter((name) => name in parameters);
  return Object.fromEntries(names.map((name) => [name, parameters[name]])) as z.output<S>;
}
