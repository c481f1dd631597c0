import { ApiError } from "../../domain/errors.ts";
import { MODEL_NAME, MODEL_VERSION } from "../../domain/model-id.ts";
import { SERIES_GROUPS, type SeriesGroup } from "../../domain/monitoring/report.ts";
import { quote } from "../../shared/quote.ts";
import { parseCount } from "./parse-query.ts";

type Query = Readonly<Record<string, string>>;

export interface MonitoringQuery {
  readonly model: string | undefined;
  readonly version: string | undefined;
  readonly from: number;
  readonly to: number;
  readonly stepSeconds: number;
  readonly group: SeriesGroup;
  readonly onlyModels: boolean;
}

/** Of the parameter `requests`. */
export const REQUESTS = ["all", "models"] as const;

const HOUR_MS = 3_600_000;
/** Windows of hours are kept for 35 days by default; a setting may keep them longer. */
const MAX_RANGE_MS = 400 * 24 * HOUR_MS;
export const MAX_STEPS = 1500;
export const MAX_STEP_SECONDS = 31 * 24 * 3600;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/;

/** Lengths of windows, in seconds, of which the first that makes few enough of a range is taken. */
const STEPS = [60, 300, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 604_800];
const DEFAULT_STEPS = 120;

/**
 * Which time and which models a report is of: the last hour of all by default.
 * @param fields the parameters that there are
 * @throws ApiError `invalid_request`
 */
export function parseMonitoringQuery(
  query: Query,
  fields: readonly string[],
  now: number,
): MonitoringQuery {
  const unknown = Object.keys(query).find((name) => !fields.includes(name));
  if (unknown !== undefined)
    throw invalid(
      unknown,
      `${quote(unknown)} is no parameter: the parameters are ${fields.join(", ")}.`,
    );
  const to = readTime(query, "to") ?? now;
  const from = readTime(query, "from") ?? to - HOUR_MS;
  if (from >= to) throw invalid("from", `"from" must be before "to".`);
  if (to - from > MAX_RANGE_MS) throw invalid("from", `"from" may be 400 days before "to".`);
  const version = read(query, "version", MODEL_VERSION, "a version's number");
  const model = read(query, "model", MODEL_NAME, "the name of a model");
  if (version !== undefined && model === undefined)
    throw invalid("version", `"version" needs "model".`);
  return {
    model,
    version,
    from,
    to,
    stepSeconds: readStep(query.step, to - from),
    group: readOneOf("group", query.group ?? "total", SERIES_GROUPS),
    onlyModels: readOneOf("requests", query.requests ?? "all", REQUESTS) === "models",
  };
}

function readStep(text: string | undefined, rangeMs: number): number {
  const seconds = rangeMs / 1000;
  const step = parseCount("step", text, 60, MAX_STEP_SECONDS);
  if (step === undefined)
    return STEPS.find((each) => seconds / each <= DEFAULT_STEPS) ?? (STEPS.at(-1) as number);
  if (step % 60 !== 0)
    throw invalid("step", `"step" must be a multiple of 60, in seconds; got ${step}.`);
  if (seconds / step > MAX_STEPS)
    throw invalid(
      "step",
      `"step" of ${step} s makes ${Math.ceil(seconds / step)} windows of this time, and there may be ${MAX_STEPS}.`,
    );
  return step;
}

function readOneOf<T extends string>(name: string, text: string, valid: readonly T[]): T {
  const found = valid.find((each) => each === text);
  if (found !== undefined) return found;
  throw invalid(
    name,
    `The query parameter "${name}" must be ${valid.join(", ")}; got ${quote(text)}.`,
  );
}

function readTime(query: Query, name: string): number | undefined {
  const text = read(query, name, TIME, "a time such as 2026-11-30T12:00:00Z");
  if (text === undefined) return undefined;
  const time = Date.parse(text);
  if (Number.isFinite(time)) return time;
  throw invalid(name, `The query parameter "${name}" is no time: ${quote(text)}.`);
}

function read(query: Query, name: string, pattern: RegExp, what: string): string | undefined {
  const value = query[name];
  if (value === undefined || pattern.test(value)) return value;
  throw invalid(name, `The query parameter "${name}" must be ${what}; got ${quote(value)}.`);
}

function invalid(field: string, message: string): ApiError {
  return new ApiError("invalid_request", message, { details: { field: field.slice(0, 80) } });
}
