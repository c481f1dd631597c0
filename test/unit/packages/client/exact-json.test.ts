import { expect, test } from "vitest";
import { parseExactJson } from "../../../../packages/client/src/exact-json.ts";

test.each([
  ["[9007199254740993]", ["9007199254740993"]],
  [
    "[-9223372036854775808, 18446744073709551615]",
    ["-9223372036854775808", "18446744073709551615"],
  ],
  ["[1, -1, 0, 999999999999999]", [1, -1, 0, 999_999_999_999_999]],
  // Not integers: rounded to the nearest double.
  ["[0.9768070578575134, 12345678901234567.5]", [0.9768070578575134, 12_345_678_901_234_568]],
  ["[1234567890123456789e2, 1E-1000000000000000]", [123_456_789_012_345_680_000, 0]],
  [
    '{"id":"9007199254740993","n":9007199254740993}',
    { id: "9007199254740993", n: "9007199254740993" },
  ],
  // Strings that look like numbers and like the ends of strings.
  [
    String.raw`["\" 9007199254740993 \\\"", "\\", 9007199254740993]`,
    ['" 9007199254740993 \\"', "\\", "9007199254740993"],
  ],
  ['{"9007199254740993":9007199254740993}', { "9007199254740993": "9007199254740993" }],
])("%s is parsed without rounding long integers", (text, expected) => {
  expect(parseExactJson(text)).toEqual(expected);
});

test("a negative zero is preserved beside a long integer", () => {
  expect(parseExactJson("[-0, 9007199254740993]")).toEqual([-0, "9007199254740993"]);
});

test.each([
  "",
  "[9007199254740993",
  '["9007199254740993]',
  "[9007199254740993,]",
  "[09007199254740993]x",
])("%j is not JSON", (text) => {
  expect(() => parseExactJson(text)).toThrow(SyntaxError);
});
