import { endOfString } from "../../../src/shared/json-string.ts";

/** An integer of 16 digits or more may be beyond 2^53 - 1, where a JavaScript number is not exact. */
const LONG_INTEGER = /(?<![\d.eE+])\d{16,}(?![\d.eE])/;
const STRING_OR_NUMBER = /"|-?\d+(\.\d+)?([eE][+-]?\d+)?/g;
const EXACT_DIGITS = 15;

/**
 * JSON whose long integers are returned as strings of their digits instead of rounded. A reviver could
 * read their source text, but not in every engine, and it costs a call for each value.
 * @throws SyntaxError
 */
export function parseExactJson(text: string): unknown {
  return JSON.parse(LONG_INTEGER.test(text) ? quoteLongIntegers(text) : text);
}

function quoteLongIntegers(text: string): string {
  const parts: string[] = [];
  let copied = 0;
  STRING_OR_NUMBER.lastIndex = 0;
  for (;;) {
    const match = STRING_OR_NUMBER.exec(text);
    if (!match) break;
    const [token, fraction, exponent] = match;
    if (token === '"') {
      STRING_OR_NUMBER.lastIndex = endOfString(text, match.index);
    } else if (token.length > EXACT_DIGITS && fraction === undefined && exponent === undefined) {
      parts.push(text.slice(copied, match.index), '"', token, '"');
      copied = match.index + token.length;
    }
  }
  return parts.join("") + text.slice(copied);
}
