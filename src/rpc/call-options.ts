import type { CachePolicy } from "../domain/cache-control.ts";
import { parseCacheControl } from "../domain/cache-control.ts";
import { ApiError } from "../domain/errors.ts";
import { parseSubjectId } from "../domain/subject.ts";
import { quoteAll } from "../shared/quote.ts";
import { describeValue } from "./describe.ts";

/** What a call has beside its inputs, checked. */
export interface ReadOptions {
  readonly model: string;
  readonly timeoutMs: number | undefined;
  readonly cache: CachePolicy;
  readonly requestId: string | undefined;
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
  readonly principal: string | undefined;
  readonly subject: string | undefined;
  readonly stickyKey: string | undefined;
  readonly signal: AbortSignal | undefined;
}

const MAX_TEXT = 1024;
const MAX_TIMEOUT_MS = 999_999_999;
const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;
const OPTIONS = [
  "model",
  "timeoutMs",
  "cacheControl",
  "requestId",
  "traceparent",
  "tracestate",
  "principal",
  "subject",
  "stickyKey",
  "signal",
];

/**
 * Reads the argument of a method.
 * @param fields the names of those that the method has beside the options
 * @throws ApiError `invalid_request`
 */
export function readOptions(argument: unknown, fields: readonly string[]): ReadOptions {
  const known = [...OPTIONS, ...fields];
  if (!isFields(argument))
    throw new ApiError(
      "invalid_request",
      `A call takes one object such as {model: "iris-logistic", inputs: [5.1, 3.5, 1.4, 0.2]}; got ${describeValue(argument)}.`,
    );
  const unknown = Object.keys(argument).filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new ApiError(
      "invalid_request",
      `Unknown field ${quoteAll(unknown)}: a call has ${known.join(", ")}.`,
      { details: { valid: known } },
    );
  const text = (name: string): string | undefined =>
    read(argument, name, `a text of 1 to ${MAX_TEXT} characters`, isText);
  const model = text("model");
  if (model === undefined)
    throw new ApiError("invalid_request", `"model" must be the name of a model; got nothing.`);
  return {
    model,
    timeoutMs: read(argument, "timeoutMs", "a positive integer of milliseconds", isTimeout),
    cache: parseCacheControl(text("cacheControl")),
    requestId: read(argument, "requestId", "1 to 128 letters, digits and ._:-", isRequestId),
    traceparent: text("traceparent"),
    tracestate: text("tracestate"),
    principal: text("principal"),
    subject: readSubject(argument.subject),
    stickyKey: text("stickyKey"),
    signal: read(argument, "signal", "an AbortSignal", (value) => value instanceof AbortSignal),
  };
}

function readSubject(value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : parseSubjectId(value, "subject");
}

/** A field, which may be absent or null. */
export function read<T>(
  argument: Readonly<Record<string, unknown>>,
  name: string,
  expected: string,
  is: (value: unknown) => value is T,
): T | undefined {
  const value = argument[name] ?? undefined;
  if (value === undefined || is(value)) return value;
  throw new ApiError(
    "invalid_request",
    `"${name}" must be ${expected}; got ${describeValue(value)}.`,
    { details: { field: name } },
  );
}

/** An object of JSON: of stubs and of other classes, whatever is read may be a call. */
export function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  return Object.getPrototypeOf(value) === Object.prototype;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= MAX_TEXT;
}

function isRequestId(value: unknown): value is string {
  return typeof value === "string" && REQUEST_ID.test(value);
}

function isTimeout(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) > 0 && Number(value) <= MAX_TIMEOUT_MS;
}
