import { describe, expect, test } from "vitest";
import { parseExactJson } from "../../../src/shared/exact-json.ts";
import {
  isJsonNumber,
  parseInteger,
  toDouble,
  toInteger,
} from "../../../src/shared/json-number.ts";

/** The value of a number's text as an integer and as a double, by Python's `decimal.Decimal` and `float`. */
const NUMBERS: [text: string, integer: bigint | undefined, double: number][] = [
  ["0", 0n, 0],
  ["-0", 0n, -0],
  ["1e3", 1000n, 1000],
  ["1.0", 1n, 1],
  ["9007199254740991", 9_007_199_254_740_991n, 9_007_199_254_740_991],
  ["9007199254740993", 9_007_199_254_740_993n, 9_007_199_254_740_992],
  ["-9007199254740993", -9_007_199_254_740_993n, -9_007_199_254_740_992],
  ["9007199254740993.0", 9_007_199_254_740_993n, 9_007_199_254_740_992],
  ["9.007199254740993e15", 9_007_199_254_740_993n, 9_007_199_254_740_992],
  ["9223372036854775807000e-3", 9_223_372_036_854_775_807n, 2 ** 63],
  ["1e19", 10_000_000_000_000_000_000n, 1e19],
  ["18446744073709551616", 18_446_744_073_709_551_616n, 2 ** 64],
  ["123456789012345678901234567890", undefined, 1.2345678901234568e29],
  ["9007199254740992.5", undefined, 9_007_199_254_740_992],
  ["1.0000000000000000001", undefined, 1],
  ["0.99999999999999999999", undefined, 1],
  ["1.5", undefined, 1.5],
  ["1e-400", undefined, 0],
  ["0e-400", 0n, 0],
  ["1e400", undefined, Number.POSITIVE_INFINITY],
];

describe("a number of a JSON text", () => {
  test.each(NUMBERS)("%s has its exact integer and its double", (text, integer, double) => {
    const value = parseExactJson(`[ ${text} ]`) as unknown[];
    const exact = toInteger(value[0]);
    expect(parseInteger(text)).toBe(integer);
    if (integer !== undefined) expect(BigInt(exact as number | bigint)).toBe(integer);
    else expect(Number.isInteger(exact) || typeof exact === "bigint").toBe(false);
    const rounded = toDouble(value[0]);
    expect(isJsonNumber(rounded) ? Number(rounded()) : rounded).toBe(double);
  });

  test.each(NUMBERS)("%s is what JSON.parse makes of it unless that is another integer", (text) => {
    const value = parseExactJson(text);
    if (typeof value === "number") expect(value).toBe(JSON.parse(text));
    else expect(String(value)).toBe(text);
  });
});

describe("parseExactJson", () => {
  test("parses text around long numbers as JSON.parse does", () => {
    const text = String.raw`{"12345678901234567890": "12345678901234567890 \" [1e400, \\", "__proto__": {"a": [1e400]},
      "b" : 12345678901234567890 , "c": [[12345678901234567890]	], "d": {"e": "1e400"}}`;
    const value = parseExactJson(text);
    expect(
      JSON.stringify(value, (_, v) => (isJsonNumber(v) || typeof v === "bigint" ? Number(v) : v)),
    ).toBe(JSON.stringify(JSON.parse(text)));
    expect(value).toMatchObject({ b: 12_345_678_901_234_567_890n });
  });

  test.each([
    "[012345678901234567890]",
    "{12345678901234567890: 1}",
    "{12345678901234567890 : 1}",
    "{12345678901234567890}",
    '["a"12345678901234567890]',
    "[12345678901234567890 1]",
    "[1e400",
    "[1.e400]",
    "[1e400.5]",
    "[--12345678901234567890]",
    '{"a": 12345678901234567890,}',
    '"12345678901234567890',
  ])("refuses %s with the message of JSON.parse", (text) => {
    let expected: unknown;
    try {
      JSON.parse(text);
    } catch (error) {
      expected = error;
    }
    expect(expected).toBeInstanceOf(SyntaxError);
    expect(() => parseExactJson(text)).toThrow((expected as SyntaxError).message);
  });

  test("a text with a long number takes linear time", () => {
    const tail = `"${'\\"'.repeat(100_000)}"${" ".repeat(100_000)}`;
    const value = parseExactJson(
      `[1e400,${"9".repeat(100_000)},${"[".repeat(1000)}${tail}${"]".repeat(1000)}]`,
    );
    expect(String((value as unknown[])[1])).toHaveLength(100_000);
  });
});
