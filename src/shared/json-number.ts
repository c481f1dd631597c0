/**
 * A number of a JSON text that a double does not hold exactly, such as `1e400` or `9007199254740993.0`: it returns the
 * number as it was written. A function, because JSON has none: whatever accepts objects refuses it.
 */
export type JsonNumber = () => string;

const NUMBER = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;
/** The digits of 2^64. */
const MAX_DIGITS = 20;

export function createJsonNumber(text: string): JsonNumber {
  const number: JsonNumber = () => text;
  // For texts that contain the value as it is.
  number.toString = number;
  return number;
}

export function isJsonNumber(value: unknown): value is JsonNumber {
  return typeof value === "function";
}

/**
 * The nearest double of a long integer or a number of JSON, as `JSON.parse` rounds it; other values unchanged, and numbers
 * beyond the range of doubles.
 */
export function toDouble(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (!isJsonNumber(value)) return value;
  const double = Number(value());
  return Number.isFinite(double) ? double : value;
}

/** The exact integer of a number of JSON, if it is one of at most 20 digits; other values unchanged. */
export function toInteger(value: unknown): unknown {
  if (!isJsonNumber(value)) return value;
  const exact = parseInteger(value());
  if (exact === undefined) return value;
  const double = Number(exact);
  return Number.isSafeInteger(double) ? double : exact;
}

/**
 * The integer that a decimal number is exactly: `1e3`, `1000.0` and `1000` are the same.
 * @returns `undefined` for a number with a fraction, and for one of more than 20 digits
 */
export function parseInteger(text: string): bigint | undefined {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = NUMBER.exec(text) ?? [];
  if (whole === "") return undefined;
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  const significant = trimZeros(digits);
  if (significant === "") return 0n;
  const zeros = Number(exponent) - fraction.length + digits.length - significant.length;
  if (zeros < 0 || significant.length + zeros > MAX_DIGITS) return undefined;
  return BigInt(`${sign === "-" ? "-" : ""}${significant}${"0".repeat(zeros)}`);
}

/** Without zeros at the end; a regular expression takes quadratic time. */
function trimZeros(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === "0") end--;
  return digits.slice(0, end);
}

/** A number as `JSON.stringify` writes it: a double, or the digits of an integer that no double holds. */
export type JsonValue = number | RawJson;

interface RawJson {
  readonly rawJSON: string;
}

/** Exact, however large the integer is. */
export function toJsonValue(value: number | bigint): JsonValue {
  if (typeof value === "number") return value;
  const double = Number(value);
  if (Number.isSafeInteger(double)) return double;
  return fromRawJson(String(value));
}

/** TypeScript's library does not have these yet (https://github.com/tc39/proposal-json-parse-with-source). */
const RAW_JSON = JSON as unknown as {
  rawJSON(text: string): RawJson;
  isRawJSON(value: unknown): value is RawJson;
};

/** A number by its text, which `JSON.stringify` writes as it is. */
export function fromRawJson(text: string): RawJson {
  return RAW_JSON.rawJSON(text);
}

/** The text of a number that {@link fromRawJson} made; `undefined` for other values. */
export function toRawJson(value: unknown): string | undefined {
  return RAW_JSON.isRawJSON(value) ? value.rawJSON : undefined;
}
