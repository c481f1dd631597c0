import { describe, expect, test } from "vitest";
import {
  createEntropyRandom,
  createSeededRandom,
  splitMix64,
  xoshiro128,
} from "../../../src/shared/random.ts";

const COUNT = 100_000;

describe("xoshiro128**", () => {
  test("gives the numbers of its authors' implementation, as the crate rand_xoshiro lists them", () => {
    const next = xoshiro128([1, 2, 3, 4]);
    expect(Array.from({ length: 10 }, next)).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597,
      4258142804,
    ]);
  });
});

describe("SplitMix64", () => {
  test("gives the numbers that Rosetta Code lists for the seed 1234567", () => {
    const next = splitMix64(1234567n);
    expect(Array.from({ length: 5 }, next)).toEqual([
      6457827717110365317n,
      3203168211198807973n,
      9817491932198370423n,
      4593380528125082431n,
      16408922859458223821n,
    ]);
  });
});

describe.each([
  ["a seed", createSeededRandom(7)],
  ["a negative seed", createSeededRandom(-1)],
  ["no seed", createEntropyRandom()],
])("random numbers of %s", (_, random) => {
  const numbers = Array.from({ length: COUNT }, random);

  test("are from 0 to 1, with mean and variance of a uniform distribution", () => {
    expect(Math.min(...numbers.slice(0, 50_000))).toBeGreaterThanOrEqual(0);
    expect(Math.max(...numbers.slice(0, 50_000))).toBeLessThan(1);
    const mean = numbers.reduce((sum, value) => sum + value, 0) / COUNT;
    const variance = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / COUNT;
    // Five standard errors.
    expect(Math.abs(mean - 1 / 2)).toBeLessThan(5 * Math.sqrt(1 / 12 / COUNT));
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(5 * Math.sqrt(1 / 180 / COUNT));
  });

  test("have 53 bits", () => {
    expect(numbers.every((value) => Number.isInteger(value * 2 ** 53))).toBe(true);
    expect(numbers.some((value) => !Number.isInteger(value * 2 ** 52))).toBe(true);
  });
});
