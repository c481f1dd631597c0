import { expect, test } from "vitest";
import { fromHalfBits, toHalfBits } from "../../../../packages/client/src/half-float.ts";

/** Compared with the engine's own Float16Array, which only new engines have. */

const half = new Float16Array(1);
const bits = new Uint16Array(half.buffer);

function engineBits(value: number): number {
  half[0] = value;
  return bits[0] ?? Number.NaN;
}

test("all 65,536 halves are converted as by the engine, and back", () => {
  const wrong: number[] = [];
  for (let pattern = 0; pattern <= 0xffff; pattern++) {
    bits[0] = pattern;
    const value = half[0] ?? 0;
    if (!Object.is(fromHalfBits(pattern), value)) wrong.push(pattern);
    // NaN has many bit patterns, and one value.
    if (!Number.isNaN(value) && toHalfBits(value) !== pattern) wrong.push(pattern);
  }
  expect(wrong).toEqual([]);
});

test("numbers at, beside and half-way between all halves are rounded as by the engine", () => {
  const wrong: number[] = [];
  for (let pattern = 0; pattern < 0x7c00; pattern++) {
    const value = fromHalfBits(pattern);
    const next = pattern === 0x7bff ? 65_536 : fromHalfBits(pattern + 1);
    const middle = (value + next) / 2;
    const numbers = [value, middle, middle * (1 - 2 ** -52), middle * (1 + 2 ** -52)];
    for (const number of numbers.flatMap((number) => [number, -number]))
      if (toHalfBits(number) !== engineBits(number)) wrong.push(number);
  }
  expect(wrong).toEqual([]);
});

test.each([
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  0,
  -0,
  65_519.999,
  65_520,
  1e300,
  5e-324,
  -5e-324,
  2 ** -25,
  2 ** -25 * (1 + 2 ** -52),
])("%d is rounded to the same half as by the engine", (value) => {
  expect(toHalfBits(value)).toBe(engineBits(value));
});
