import { InvalidArgumentError } from "commander";
import { MODEL_NAME, MODEL_VERSION } from "../../../src/domain/model-id.ts";
import { ALIAS_NAME, ALIAS_NAME_RULE, MAX_WEIGHT } from "../../../src/domain/routing.ts";

/** Parsers of arguments: what cannot be valid is refused before anything is sent. */

export function parseModelArgument(text: string): string {
  if (MODEL_NAME.test(text)) return text;
  throw new InvalidArgumentError(
    "A model's name has 1 to 63 lower-case letters, digits, dots, underscores and hyphens.",
  );
}

export function parseVersionArgument(text: string): string {
  if (MODEL_VERSION.test(text)) return text;
  throw new InvalidArgumentError("A version is a positive integer, such as 2.");
}

export function parseAliasArgument(text: string): string {
  if (ALIAS_NAME.test(text)) return text;
  throw new InvalidArgumentError(`An alias has ${ALIAS_NAME_RULE}, such as production.`);
}

export interface Reference {
  readonly model: string;
  /** A version or an alias. */
  readonly at: string | undefined;
}

/** `model`, `model@alias` or `model@version`. */
export function parseReferenceArgument(text: string): Reference {
  const [name = "", at, ...more] = text.split("@");
  const model = parseModelArgument(name);
  if (at === undefined) return { model, at };
  if (more.length === 0 && (MODEL_VERSION.test(at) || ALIAS_NAME.test(at))) return { model, at };
  throw new InvalidArgumentError("Name a model, model@alias or model@version.");
}

export function formatReference({ model, at }: Reference): string {
  return at === undefined ? model : `${model}@${at}`;
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `90s`, `30m`, `2h`, `7d`, in seconds. */
export function parseDurationArgument(text: string): number {
  const [, digits = "", unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const seconds = UNITS[unit];
  if (seconds === undefined)
    throw new InvalidArgumentError("A duration is a number and a unit: 90s, 30m, 2h or 7d.");
  return Number(digits) * seconds;
}

/** A point in time as ISO 8601: as it is given, or as the duration since then, such as `2h`. */
export function parseTimeArgument(text: string): string {
  if (/^\d+[smhd]$/.test(text))
    return new Date(Date.now() - parseDurationArgument(text) * 1000).toISOString();
  const isDate = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?)?$/;
  const hasNoZone = text.includes("T") && !/(?:Z|[+-]\d{2}:\d{2})$/.test(text);
  const time = isDate.test(text) ? Date.parse(hasNoZone ? `${text}Z` : text) : Number.NaN;
  if (!Number.isNaN(time)) return new Date(time).toISOString();
  throw new InvalidArgumentError(
    "A time is ISO 8601, in UTC unless it has an offset, such as 2026-11-30T15:00:00Z, or the time since then: 90s, 30m, 2h, 7d.",
  );
}

/** `1=90`: a version and its weight. */
export function parseShareArgument(
  text: string,
  previous: readonly (readonly [string, number])[] = [],
): readonly (readonly [version: string, weight: number])[] {
  const [version = "", weight = ""] = text.split("=");
  const number = /^\d+(?:\.\d+)?$/.test(weight) ? Number(weight) : 0;
  const isWeight = number > 0 && number <= MAX_WEIGHT;
  if (!MODEL_VERSION.test(version) || !isWeight || text.split("=").length !== 2)
    throw new InvalidArgumentError(
      `A share is VERSION=WEIGHT with a weight above 0 and up to ${MAX_WEIGHT}, such as 1=90.`,
    );
  if (previous.some(([other]) => other === version))
    throw new InvalidArgumentError(`Version ${version} has a share already.`);
  return [...previous, [version, number]];
}

export function parseSampleArgument(text: string): number {
  const sample = text.endsWith("%") ? Number(text.slice(0, -1)) / 100 : Number(text);
  if (/^[\d.]+%?$/.test(text) && sample > 0 && sample <= 1) return sample;
  throw new InvalidArgumentError(
    "A sample is a part of the requests above 0 and up to 1: 0.1 or 10%.",
  );
}

export function parseCountArgument(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a positive integer.");
}
