import { ApiError } from "../../domain/errors.ts";
import { MODEL_VERSION } from "../../domain/model-id.ts";
import type { AccuracyRequest } from "../../domain/monitoring/accuracy-report.ts";
import { quote } from "../../shared/quote.ts";
import { parseCount } from "./parse-query.ts";

const HOUR_SECONDS = 3600;
const DAY_MS = 86_400_000;
const DEFAULT_RANGE_MS = 7 * DAY_MS;
/** Sums of hours are kept so long. */
const MAX_RANGE_MS = 400 * DAY_MS;
const MAX_WINDOWS = 1000;
const MAX_TIME_MS = 8.64e15;
const STEPS: Readonly<Record<string, number>> = { hour: HOUR_SECONDS, day: 24 * HOUR_SECONDS };
const FIELDS = ["version", "from", "to", "step"];

/** @throws ApiError `invalid_request` */
export function parseAccuracyQuery(
  query: Readonly<Record<string, string>>,
  now: number,
): AccuracyRequest {
  const unknown = Object.keys(query).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined)
    throw invalid(unknown, `${quote(unknown)} is no parameter: they are ${FIELDS.join(", ")}.`);
  const { version, step = "day" } = query;
  if (version !== undefined && !MODEL_VERSION.test(version))
    throw invalid("version", `"version" must be a positive integer; got ${quote(version)}.`);
  const stepSeconds = Object.hasOwn(STEPS, step) ? STEPS[step] : undefined;
  if (stepSeconds === undefined)
    throw invalid("step", `"step" must be hour or day; got ${quote(step)}.`);
  const to = parseTime("to", query.to) ?? now + 1;
  const from = parseTime("from", query.from) ?? to - DEFAULT_RANGE_MS;
  if (from >= to) throw invalid("from", `"from" must be before "to".`);
  if (to - from > MAX_RANGE_MS || to - from > MAX_WINDOWS * stepSeconds * 1000)
    throw invalid(
      "from",
      `From "from" to "to" there are more than 400 days, or than ${MAX_WINDOWS} windows of one ${step}.`,
    );
  return { from, to, version, stepSeconds };
}

/** ISO 8601, or milliseconds since the epoch. */
function parseTime(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[0-9]{1,16}$/.test(text)) return parseCount(name, text, 0, MAX_TIME_MS);
  const time = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw invalid(
    name,
    `"${name}" must be a time in ISO 8601, such as 2026-11-30T12:00:00Z, or milliseconds since 1970; got ${quote(text)}.`,
  );
}

function invalid(field: string, message: string): ApiError {
  return new ApiError("invalid_request", message, { details: { field } });
}
