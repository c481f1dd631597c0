import { expect, test } from "vitest";
import { frame, initialFraming } from "../../../../src/tasks/audio/windows.ts";

const SHAPE = { windowSamples: 3, contextSamples: 2 };
const signal = Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8]);

test("a window begins with the end of the one before, and the last is filled with silence", () => {
  const { windows, count, state } = frame(SHAPE, initialFraming(SHAPE), signal, true);
  expect(count).toBe(3);
  expect([...windows]).toEqual([0, 0, 1, 2, 3, 2, 3, 4, 5, 6, 5, 6, 7, 8, 0]);
  expect([...state.waiting]).toEqual([]);
});

test.each([1, 2, 3, 4, 5, 7])("pieces of %i samples become the same windows", (size) => {
  let state = initialFraming(SHAPE);
  const rows: number[] = [];
  for (let start = 0; start < signal.length; start += size) {
    const framed = frame(SHAPE, state, signal.subarray(start, start + size), false);
    expect(framed.windows).toHaveLength(5 * framed.count);
    rows.push(...framed.windows);
    state = framed.state;
    expect(state.waiting.length).toBeLessThan(3);
  }
  rows.push(...frame(SHAPE, state, new Float32Array(0), true).windows);
  expect(rows).toEqual([...frame(SHAPE, initialFraming(SHAPE), signal, true).windows]);
});

test("a context may be longer than a window, or empty", () => {
  const long = { windowSamples: 2, contextSamples: 3 };
  const framed = frame(long, initialFraming(long), signal.subarray(0, 4), false);
  expect([...framed.windows]).toEqual([0, 0, 0, 1, 2, 0, 1, 2, 3, 4]);
  const none = { windowSamples: 2, contextSamples: 0 };
  expect([...frame(none, initialFraming(none), signal.subarray(0, 5), false).windows]).toEqual([
    1, 2, 3, 4,
  ]);
});
