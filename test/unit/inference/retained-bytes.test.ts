import { expect, test } from "vitest";
import { Media } from "../../../src/domain/media.ts";
import { retainedBytes } from "../../../src/inference/retained-bytes.ts";

const NO_LIMIT = Number.POSITIVE_INFINITY;

test.each<[string, unknown, number, number]>([
  ["a text", "x".repeat(1000), 2000, 2100],
  ["numbers", Array.from({ length: 1000 }, () => 0.5), 8000, 8100],
  ["rows of numbers", Array.from({ length: 100 }, () => [1, 2, 3, 4]), 100 * 32, 100 * 100],
  ["a file", new Media("image/png", new Uint8Array(5000)), 5000, 5200],
  ["a view of a large buffer", new Uint8Array(9000).subarray(0, 1), 9000, 9100],
  ["nothing", undefined, 0, 100],
])("%s is estimated by what it takes", (_name, value, least, most) => {
  const bytes = retainedBytes({ value }, NO_LIMIT);
  expect(bytes).toBeGreaterThanOrEqual(least);
  expect(bytes).toBeLessThanOrEqual(most);
});

test("views of one buffer count it once", () => {
  const bytes = new Uint8Array(9000);
  const views = Array.from({ length: 10 }, (_, index) => bytes.subarray(index));
  expect(retainedBytes(views, NO_LIMIT)).toBeLessThan(10_000);
});

test("a value beyond the limit is not read to its end", () => {
  let reads = 0;
  const item = {
    get text() {
      reads += 1;
      return "x".repeat(50);
    },
  };
  expect(retainedBytes(Array(1000).fill(item), 100_000)).toBeGreaterThan(100_000);
  expect(reads).toBeLessThan(800);
  expect(retainedBytes(Array(1_000_000).fill(item), 100_000)).toBeGreaterThan(100_000);
  expect(reads).toBeLessThan(800);
});
