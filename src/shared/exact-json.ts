import { createJsonNumber, parseInteger } from "./json-number.ts";
import { endOfString } from "./json-string.ts";

/** Numbers that may not be exact as doubles: quick to find, and rare. */
const LONG_INTEGER = /(?<![\d.])\d{16}/;
const EXPONENT = /\d[eE](?:\+?\d|-\d{3})/;
const NEAR_INTEGER = /\.(?:0{7}|9{7})/;

const STRING_OR_NUMBER = /"|-?\d[\d.eE+-]*/g;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const PLAIN_INTEGER = /^-?\d{1,20}$/;
const AFTER_VALUE = /[ \t\r\n]*(?:[,\]}]|$)/y;
/** Decimal digits that every double holds exactly. */
const EXACT_DIGITS = 15;

export interface ExactJsonOptions {
  /** The most numbers that are not exact as doubles: each takes some hundred bytes, whatever its length in the text. */
  readonly maxInexact?: number;
  /** The error for more of them. */
  readonly tooManyInexact?: () => Error;
}

/**
 * Parses JSON without rounding integers: one that is beyond 2^53 - 1 is a `bigint`, and any other number that a double
 * holds only as a different integer, or not at all, a {@link JsonNumber}. Fractions are rounded to doubles.
 *
 * A reviver could read the source text of numbers too, but takes 20 to 40 times as long as the parser alone.
 * @throws SyntaxError, and what `tooManyInexact` returns
 */
export function parseExactJson(text: string, options: ExactJsonOptions = {}): unknown {
  if (!LONG_INTEGER.test(text) && !EXPONENT.test(text) && !NEAR_INTEGER.test(text))
    return JSON.parse(text);
  // Numbers travel through the parser as strings that no client can guess.
  const mark = crypto.randomUUID();
  const marked = markNumbers(text, mark, options);
  if (marked === undefined) return JSON.parse(text);
  try {
    return restoreNumbers(JSON.parse(marked), mark);
  } catch (error) {
    // The message is about the text without marks.
    JSON.parse(text);
    throw error;
  }
}

/** The text with a string in the place of each number that is not exact; `undefined` without one. */
function markNumbers(
  text: string,
  mark: string,
  {
    maxInexact = Number.POSITIVE_INFINITY,
    tooManyInexact = () =>
      new RangeError(`more than ${maxInexact} numbers are not exact as doubles`),
  }: ExactJsonOptions,
): string | undefined {
  const parts: string[] = [];
  let inexact = 0;
  let copied = 0;
  STRING_OR_NUMBER.lastIndex = 0;
  for (;;) {
    const match = STRING_OR_NUMBER.exec(text);
    if (!match) break;
    const [token] = match;
    if (token === '"') {
      STRING_OR_NUMBER.lastIndex = endOfString(text, match.index);
    } else if (!isExact(token) && isValue(text, STRING_OR_NUMBER.lastIndex)) {
      inexact += 1;
      if (inexact > maxInexact) throw tooManyInexact();
      parts.push(text.slice(copied, match.index), '"', mark, token, '"');
      copied = STRING_OR_NUMBER.lastIndex;
    }
  }
  return parts.length > 0 ? parts.join("") + text.slice(copied) : undefined;
}

function isExact(token: string): boolean {
  if (token.length <= EXACT_DIGITS && !/e/i.test(token)) return true;
  // What is no number stays as it is, for the parser to refuse.
  if (!NUMBER.test(token)) return true;
  const double = Number(token);
  if (Number.isSafeInteger(double)) return parseInteger(token) === BigInt(double);
  return Number.isFinite(double) && !Number.isInteger(double);
}

/** Whether what ends at `end` is followed as a value is, so that a number in the place of a key stays an error. */
function isValue(text: string, end: number): boolean {
  AFTER_VALUE.lastIndex = end;
  return AFTER_VALUE.test(text);
}

/** Replaces marked strings, in place; without recursion, because values may be nested deeply. */
function restoreNumbers(root: unknown, mark: string): unknown {
  const holder = [root];
  const containers: unknown[] = [holder];
  const restore = (value: unknown): unknown => {
    if (typeof value === "object" && value !== null) containers.push(value);
    return typeof value === "string" && value.startsWith(mark)
      ? toNumber(value.slice(mark.length))
      : value;
  };
  for (let container = containers.pop(); container; container = containers.pop()) {
    if (Array.isArray(container)) {
      for (let i = 0; i < container.length; i++) container[i] = restore(container[i]);
    } else {
      const fields = container as Record<string, unknown>;
      for (const key of Object.keys(fields)) fields[key] = restore(fields[key]);
    }
  }
  return holder[0];
}

function toNumber(text: string): unknown {
  return PLAIN_INTEGER.test(text) ? BigInt(text) : createJsonNumber(text);
}
