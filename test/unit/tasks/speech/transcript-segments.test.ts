import { describe, expect, test } from "vitest";
import { toSegments } from "../../../../src/tasks/speech/transcript-segments.ts";

const SCALE = { first: 100, stepSeconds: 0.5 };

describe("segments of a window", () => {
  test("are between pairs of times", () => {
    expect(toSegments([100, 1, 2, 103, 104, 3, 108], SCALE, 10)).toEqual([
      { start: 0, end: 1.5, tokens: [1, 2] },
      { start: 2, end: 4, tokens: [3] },
    ]);
  });

  test("end with the window where the last time is missing, and where none is", () => {
    expect(toSegments([101, 1, 102, 102, 2], SCALE, 7)).toEqual([
      { start: 0.5, end: 1, tokens: [1] },
      { start: 1, end: 7, tokens: [2] },
    ]);
    expect(toSegments([1, 2], SCALE, 7)).toEqual([{ start: 0, end: 7, tokens: [1, 2] }]);
  });

  test("end within the window, where times are in the silence after it", () => {
    expect(toSegments([100, 1, 120, 120, 2, 130], SCALE, 3)).toEqual([
      { start: 0, end: 3, tokens: [1] },
      { start: 3, end: 3, tokens: [2] },
    ]);
  });

  test("do not go back, whatever the order of times is", () => {
    expect(toSegments([110, 1, 102, 102, 2, 104], SCALE, 9)).toEqual([
      { start: 5, end: 5, tokens: [1] },
      { start: 5, end: 5, tokens: [2] },
    ]);
  });

  test("are none without text", () => {
    expect(toSegments([], SCALE, 9)).toEqual([]);
    expect(toSegments([100, 110], SCALE, 9)).toEqual([]);
  });
});
