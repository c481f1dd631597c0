import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { compressionRatio, findRepetition } from "../../../../src/tasks/speech/repetition.ts";

function repeat(tokens: readonly number[], times: number): number[] {
  return Array.from({ length: times }, () => tokens).flat();
}

describe("a repetition", () => {
  test.each([
    ["one token 24 times", repeat([5], 24), { period: 1, times: 24 }],
    [
      "eight tokens four times, after others",
      [1, 2, ...repeat([1, 2, 3, 4, 5, 6, 7, 8], 4)],
      { period: 8, times: 4 },
    ],
    [
      "three tokens, the last of them cut off",
      [...repeat([1, 2, 3], 8), 1, 2],
      { period: 3, times: 8 },
    ],
  ])("is found in %s", (_, tokens, expected) => {
    expect(findRepetition(tokens)).toEqual(expected);
  });

  test.each([
    ["no tokens", []],
    ["one token 23 times", repeat([5], 23)],
    ["a sentence that is said three times", repeat([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 3)],
    ["a repetition that has ended", [...repeat([5], 40), 6]],
    ["tokens without any", Array.from({ length: 200 }, (_, index) => index)],
  ])("is not found in %s", (_, tokens) => {
    expect(findRepetition(tokens)).toBeUndefined();
  });
});

describe("the compression ratio", () => {
  test.each(["a", "The cat sits outside.", "no ".repeat(80), "ü€😀".repeat(20)])(
    "of %j is that of zlib, within the bytes of another encoder",
    async (text) => {
      const bytes = Buffer.from(text);
      const expected = bytes.length / deflateSync(bytes).length;
      expect(Math.abs((await compressionRatio(text)) / expected - 1)).toBeLessThan(0.1);
    },
  );

  test("of an empty text is 0", async () => {
    expect(await compressionRatio("")).toBe(0);
  });
});
