import { ApiError, ERROR_KINDS } from "../../domain/errors.ts";
import { EVENT_KINDS, EVENT_STATUS, OPERATION_ID } from "../../domain/event.ts";
import type { ReadEvents } from "../../domain/event-log.ts";
import { MODEL_NAME } from "../../domain/model-id.ts";
import { quote } from "../../shared/quote.ts";

type Query = Readonly<Record<string, string>>;

/** The fields of an event that a filter reads. */
type Filtered = Partial<Record<"model" | "operation" | "errorCode", string | undefined>> &
  Partial<Record<"status", number | undefined>> & { readonly event: string };

const FIELDS = ["model", "operation", "status", "code", "event", "follow"];

/**
 * Which events are read, by the parameters of the query: those that have every property that is named. An event without the
 * property, such as a purge without a status, is left out then.
 * @throws ApiError `invalid_request`
 */
export function parseEventFilter(query: Query): ReadEvents {
  const unknown = Object.keys(query).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined)
    throw new ApiError(
      "invalid_request",
      `${quote(unknown)} is no parameter: the parameters are ${FIELDS.join(", ")}.`,
      { details: { field: unknown.slice(0, 80) } },
    );
  const model = read(query, "model", MODEL_NAME, "the name of a model");
  const operation = read(
    query,
    "operation",
    OPERATION_ID,
    "the id of an operation in /openapi.json, such as infer",
  );
  const status = read(
    query,
    "status",
    EVENT_STATUS,
    "a status such as 404, or a class of them such as 5xx",
  );
  const code = readOneOf(
    query,
    "code",
    Object.keys(ERROR_KINDS),
    "the code of an error, such as overloaded",
  );
  const kind = readOneOf(query, "event", EVENT_KINDS, EVENT_KINDS.join(", "));
  const follow = readOneOf(query, "follow", ["", "true", "false"], "true or false");
  return {
    follow: follow === "" || follow === "true",
    model,
    accepts(event) {
      const {
        model: ofModel,
        operation: ofOperation,
        errorCode,
        status: ofStatus,
      }: Filtered = event;
      return (
        (kind === undefined || event.event === kind) &&
        (model === undefined || ofModel === model) &&
        (operation === undefined || ofOperation === operation) &&
        (code === undefined || errorCode === code) &&
        (status === undefined || hasStatus(ofStatus, status))
      );
    },
  };
}

function hasStatus(status: number | undefined, pattern: string): boolean {
  if (status === undefined) return false;
  return pattern.endsWith("xx") ? String(status)[0] === pattern[0] : String(status) === pattern;
}

function read(query: Query, name: string, pattern: RegExp, expected: string): string | undefined {
  const value = query[name];
  if (value === undefined || pattern.test(value)) return value;
  throw invalid(name, expected, value);
}

function readOneOf(
  query: Query,
  name: string,
  valid: readonly string[],
  expected: string,
): string | undefined {
  const value = query[name];
  if (value === undefined || valid.includes(value)) return value;
  throw invalid(name, expected, value);
}

function invalid(name: string, expected: string, value: string): ApiError {
  return new ApiError("invalid_request", `${name} must be ${expected}; got ${quote(value)}.`, {
    details: { field: name },
  });
}
