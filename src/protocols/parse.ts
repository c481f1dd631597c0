import type { z } from "zod";
import { withoutNulls } from "../domain/absent-nulls.ts";
import { ApiError } from "../domain/errors.ts";
import { issueMessage } from "../domain/schema-issue.ts";
import { describe } from "../domain/tensor-json.ts";
import { clip } from "../shared/quote.ts";

/**
 * Validates untrusted JSON with a schema. An optional field may be `null`.
 * @throws ApiError `invalid_request` that names the first invalid field, what was expected and what was received
 */
export function parseWith<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  return parseExactly(schema, withoutNulls(schema, value), value);
}

/**
 * As {@link parseWith}, for a schema in which `null` has a meaning of its own.
 * @param given what the value was made of, for the error
 * @throws ApiError `invalid_request`
 */
export function parseExactly<S extends z.ZodType>(
  schema: S,
  value: unknown,
  given: unknown = value,
): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (!issue) throw new ApiError("invalid_request", "The body is not valid.");
  const label = issue.path.length > 0 ? formatPath(issue.path) : "The body";
  const received = issue.path.reduce<unknown>(
    (parent, key) => (parent as Record<PropertyKey, unknown> | undefined)?.[key],
    given,
  );
  throw new ApiError(
    "invalid_request",
    `${label} is not valid: ${issueMessage(issue)
      .replace(/^Invalid input: /, "")
      .replace(/, received .*$/, "")}; got ${describe(received)}.`,
    { details: { field: fieldOf(issue) } },
  );
}

/** The wrong field; of an object with unknown ones, the first of them. */
function fieldOf(issue: z.core.$ZodIssue): string {
  const unknown =
    issue.code === "unrecognized_keys" ? issue.keys.slice(0, 1).map((key) => clip(key)) : [];
  return [...issue.path, ...unknown].join(".");
}

/** `inputs[0].name` */
function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((key, index) =>
      typeof key === "number" ? `[${key}]` : `${index > 0 ? "." : ""}${String(key)}`,
    )
    .join("");
}
