import fc from "fast-check";
import { expect, test } from "vitest";
import { equalInConstantTime } from "../../../src/shared/equal-in-constant-time.ts";

test("texts are equal exactly when they are the same", () => {
  const text = fc.string({ unit: "binary", maxLength: 12 });
  fc.assert(
    fc.property(
      text,
      text,
      (given, secret) =>
        equalInConstantTime(given, secret) === (given === secret) &&
        equalInConstantTime(given, given) &&
        equalInConstantTime(`${given}${given}`, given) === (given === ""),
    ),
  );
});

test.each([
  ["", ""],
  ["a", ""],
  ["", "a"],
  ["abab", "ab"],
  ["ab", "abab"],
  ["abc", "abd"],
])("%j and %j", (given, secret) => {
  expect(equalInConstantTime(given, secret)).toBe(given === secret);
});
