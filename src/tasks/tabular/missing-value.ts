import { isJsonNumber } from "../../shared/json-number.ts";

/**
 * The spellings of a missing value in a table, in CSV and as strings of JSON, in lower case: the default `na_values` of
 * pandas (https://pandas.pydata.org/docs/reference/api/pandas.read_csv.html), and NaN and the infinities as C's printf,
 * Python, JavaScript, R and SQL write them. Spaces around them and letter case do not matter.
 */
const SPELLINGS: ReadonlySet<string> = new Set([
  "",
  ...["#n/a", "#n/a n/a", "#na", "<na>", "n/a", "na", "none", "null"],
  ...withSigns("nan", "1.#ind", "1.#qnan", "1.#snan", "qnan", "snan"),
  ...withSigns("inf", "infinity", "1.#inf", "\u221e"),
  // Polars' and pandas' missing times, and JavaScript's absent value.
  ...["nat", "undefined"],
]);
const LONGEST = Math.max(...[...SPELLINGS].map(({ length }) => length));

/** As printf of several C libraries pads and qualifies them: `1.#INF00`, `-nan(ind)`, `nan(0x7ff8)`. */
const PRINTF = /^[+-]?(?:1\.#(?:inf|ind|qnan|snan)0*|nan\([0-9a-z_]*\))$/i;
const LONGEST_OF_PRINTF = 32;

/** A number in JSON's syntax, and as CSV is written besides: `+1`, `.5`, `1.`. */
export const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/**
 * Whether a cell has no value: absent, null, NaN, infinite (as JSON's `1e999` is), or a text that spells one of these.
 * Of texts, also numbers that are beyond what a double holds.
 */
export function isMissing(value: unknown): boolean {
  if (typeof value === "number" || typeof value === "bigint" || isJsonNumber(value))
    return !Number.isFinite(Number(value));
  if (typeof value !== "string") return value === undefined || value === null;
  const text = value.trim();
  if (text.length <= LONGEST && SPELLINGS.has(text.toLowerCase())) return true;
  if (text.length <= LONGEST_OF_PRINTF && PRINTF.test(text)) return true;
  return NUMBER.test(text) && !Number.isFinite(Number(text));
}

function withSigns(...names: readonly string[]): string[] {
  return names.flatMap((name) => [name, `+${name}`, `-${name}`]);
}
