import { expect, test } from "vitest";
import { clip, clipAll, quote, quoteAll } from "../../../src/shared/quote.ts";

test("a short text is quoted whole", () => {
  expect(quote('a "b"\n\0')).toBe('"a \\"b\\"\\n\\u0000"');
  expect(quote("x".repeat(63))).toBe(`"${"x".repeat(63)}"`);
});

test.each(["x", "\0", '"', "é", "😀"])("a long text of %j is cut", (letter) => {
  const quoted = quote(letter.repeat(100_000));
  expect(quoted).toHaveLength(80);
  expect(quoted).toMatch(/^".*\.\.\.$/s);
  expect(quoted.isWellFormed()).toBe(true);
});

test("a text that is not quoted can be cut, too", () => {
  expect(clip("x".repeat(80))).toBe("x".repeat(80));
  expect(clip("x".repeat(81))).toBe(`${"x".repeat(77)}...`);
  expect(clip("abcdefgh", 7)).toBe("abcd...");
});

test("of many texts the first are quoted, and the others counted", () => {
  expect(quoteAll([])).toBe("");
  expect(quoteAll(["a", "b", "c"])).toBe('"a", "b", "c"');
  expect(quoteAll(["a", "b", "c", "d", "e"])).toBe('"a", "b", "c" and 2 more');
  expect(clipAll(["a", "x".repeat(100), "c", "d"])).toEqual(["a", `${"x".repeat(77)}...`, "c"]);
});
