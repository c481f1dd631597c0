import { describe, expect, test } from "vitest";
import { formatRanges, mergeRanges, missingRanges } from "../../../src/domain/byte-ranges.ts";
import { checkPart, isComplete, partsInOrder, type Upload } from "../../../src/domain/upload.ts";
import { catchApiError } from "../../support/errors.ts";

function uploadOf(sizeBytes: number, ...ranges: readonly (readonly [number, number])[]): Upload {
  const parts = ranges.map(([start, end]) => ({ key: `${start}`, start, end }));
  return { path: "a.bin", sizeBytes, sha256: "a".repeat(64), parts, writtenAt: 0 };
}

describe("ranges", () => {
  test.each([
    [[], []],
    [
      [
        [0, 4],
        [5, 9],
      ],
      [[0, 9]],
    ],
    [
      [
        [5, 9],
        [0, 4],
      ],
      [[0, 9]],
    ],
    [
      [
        [0, 4],
        [6, 9],
      ],
      [
        [0, 4],
        [6, 9],
      ],
    ],
    [
      [
        [0, 9],
        [2, 3],
      ],
      [[0, 9]],
    ],
  ] as [number[][], number[][]][])("%j are merged to %j", (ranges, merged) => {
    const toRange = ([start = 0, end = 0]: number[]) => ({ start, end });
    expect(mergeRanges(ranges.map(toRange))).toEqual(merged.map(toRange));
  });

  test("that are missing are before, between and after those that arrived", () => {
    const arrived = [
      { start: 2, end: 3 },
      { start: 6, end: 7 },
    ];
    expect(formatRanges(missingRanges(arrived, 10))).toBe("0-1, 4-5, 8-9");
    expect(missingRanges([{ start: 0, end: 9 }], 10)).toEqual([]);
  });

  test("are listed up to a number", () => {
    const many = Array.from({ length: 10 }, (_, index) => ({ start: 2 * index, end: 2 * index }));
    expect(formatRanges(many)).toMatch(/^0-0, .*, 14-14 and 2 more$/);
  });
});

describe("parts", () => {
  test("make the file when each begins where another one ends", () => {
    const upload = uploadOf(10, [6, 9], [0, 2], [3, 5]);
    expect(partsInOrder(upload)?.map(({ start }) => start)).toEqual([0, 3, 6]);
    expect(isComplete(upload)).toBe(true);
  });

  test.each([
    ["with a gap", uploadOf(10, [0, 2], [4, 9])],
    ["without the beginning", uploadOf(10, [1, 9])],
    ["without the end", uploadOf(10, [0, 8])],
    ["that overlap, sent at the same time", uploadOf(10, [0, 5], [4, 9])],
    ["of which there are none", uploadOf(10)],
  ])("%s make no file", (_, upload) => {
    expect(isComplete(upload)).toBe(false);
  });

  test("are refused beyond a number, unless they are sent again", () => {
    const ranges = Array.from({ length: 1000 }, (_, index) => [index, index] as const);
    const upload = uploadOf(2000, ...ranges);
    checkPart(upload, "a.bin", { start: 5, end: 5 });
    const error = catchApiError("invalid_request", () =>
      checkPart(upload, "a.bin", { start: 1500, end: 1999 }),
    );
    expect(error.message).toContain("has 1000 parts, the largest number");
  });
});
