import { type Command, InvalidArgumentError } from "commander";
import { MODEL_PATTERN } from "../../../../src/domain/access/model-pattern.ts";
import { isScope, SCOPES } from "../../../../src/domain/access/scope.ts";
import { parseDurationArgument, parseTimeArgument } from "../parse-arguments.ts";

/** Removes what a key has. */
const NONE = "none";
/** The parser of the command line has no `null`. */
type OrNone<T> = T | typeof NONE;

/** Options of numbers: the flag, the group and the name of the field, and what it is. */
const COUNTS = [
  ["--requests-per-minute <n>", "rate", "requestsPerMinute", "requests in a minute"],
  ["--tokens-per-minute <n>", "rate", "tokensPerMinute", "generated tokens in a minute"],
  ["--requests-per-day <n>", "quota", "requestsPerDay", "requests in a day"],
  ["--tokens-per-day <n>", "quota", "tokensPerDay", "generated tokens in a day"],
  ["--cpu-ms-per-day <n>", "quota", "cpuMsPerDay", "milliseconds of CPU time in a day"],
  ["--body-bytes <n>", "limits", "bodyBytes", "bytes of a request"],
  ["--tokens <n>", "limits", "tokens", "tokens that a request generates"],
  ["--batch <n>", "limits", "batch", "inputs of a request"],
  ["--timeout-ms <n>", "limits", "timeoutMs", "milliseconds that a request may take"],
  ["--concurrency <n>", undefined, "concurrency", "requests at the same time"],
] as const;

type CountName = (typeof COUNTS)[number][2];

export type KeyOptions = {
  readonly name?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly models?: OrNone<readonly string[]> | undefined;
  readonly expires?: string | undefined;
  readonly owner?: string | undefined;
  readonly notes?: string | undefined;
} & { readonly [Name in CountName]?: OrNone<number> | undefined };

/** Adds the options of what a key has. @param patched whether they change a key, so that "none" removes what it has */
export function addKeyOptions(command: Command, patched: boolean): void {
  const none = patched ? "; none removes it" : "";
  const optional =
    <V>(parse: (text: string) => V) =>
    (text: string): OrNone<V> =>
      patched && text === NONE ? NONE : parse(text);
  command
    .option("--scopes <scopes>", `what it may do, with commas: ${SCOPES.join(", ")}`, parseScopes)
    .option(
      "--models <patterns>",
      `only these models, with commas: digits,iris-*${none}`,
      optional(parsePatterns),
    )
    .option("--expires <time>", `when it ends: 90d, 12h, or ISO 8601${none}`, optional(parseExpiry))
    .option("--owner <text>", `who answers for it${none}`, optional(String))
    .option("--notes <text>", `anything else${none}`, optional(String));
  for (const [flags, , , what] of COUNTS)
    command.option(flags, `at most so many ${what}${none}`, optional(parseKeyCount));
}

/** The fields of a key, as `/admin/keys` takes them. @param patched whether "none" removes what the key has */
export function toKeyFields(options: KeyOptions, patched = false): Record<string, unknown> {
  const { name, scopes, models, expires: expiresAt, owner, notes } = options;
  const fields: Record<string, unknown> = { name, scopes };
  const set = (target: Record<string, unknown>, field: string, value: unknown): void => {
    target[field] = patched && value === NONE ? null : value;
  };
  for (const [field, value] of Object.entries({ models, expiresAt, owner, notes }))
    set(fields, field, value);
  for (const [, group, field] of COUNTS) {
    if (options[field] === undefined) continue;
    if (group === undefined) {
      set(fields, field, options[field]);
      continue;
    }
    const counts = { ...(fields[group] as object | undefined) };
    set(counts, field, options[field]);
    fields[group] = counts;
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function parseScopes(text: string): string[] {
  const scopes = text.split(",").map((scope) => scope.trim());
  const unknown = scopes.find((scope) => !isScope(scope));
  if (unknown === undefined) return [...new Set(scopes)];
  throw new InvalidArgumentError(`${JSON.stringify(unknown)} is none of ${SCOPES.join(", ")}.`);
}

function parsePatterns(text: string): string[] {
  const patterns = text.split(",").map((pattern) => pattern.trim());
  if (patterns.every((pattern) => MODEL_PATTERN.test(pattern))) return [...new Set(patterns)];
  throw new InvalidArgumentError(
    "A pattern is a model's name, in which * stands for any characters: digits, iris-*.",
  );
}

/** A time in the future: as it is given, or as the duration until then. */
function parseExpiry(text: string): string {
  if (/^\d+[smhd]$/.test(text))
    return new Date(Date.now() + parseDurationArgument(text) * 1000).toISOString();
  const time = parseTimeArgument(text);
  if (Date.parse(time) > Date.now()) return time;
  throw new InvalidArgumentError("The time is in the past.");
}

function parseKeyCount(text: string): number {
  if (/^[1-9]\d{0,12}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a positive integer.");
}
