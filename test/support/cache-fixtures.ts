import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { projectPath } from "../../scripts/project.ts";
import { CACHE_MODES, type CacheMode, type CacheResults, type CacheRuns } from "./cache-runs.ts";

/** What ONNX Runtime in Python computes for the models of `test/fixtures/caches`: `reference.py` there. */
interface Expected {
  readonly cacheLength: number;
  readonly layers: number;
  readonly growing: { readonly x: number[][]; readonly y: number[][]; readonly present: number[] };
  readonly attention: { readonly x: number[][]; readonly logits: number[][] };
}

const folder = (file: string): string => projectPath("test", "fixtures", "caches", file);
const expected: Expected = JSON.parse(readFileSync(folder("expected.json"), "utf8"));

/** Absolute, of values up to 16: sums of single precision in another order. */
const TOLERANCE = 2e-5;

const CASES: readonly (readonly [CacheRuns["model"], CacheMode])[] = [
  ["growing", "copied"],
  ["growing", "growing"],
  ...CACHE_MODES.map((mode) => ["attention", mode] as const),
];

export interface CacheFixture {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sha256: string;
}

export function readCacheModel(model: CacheRuns["model"]): CacheFixture {
  const bytes = Uint8Array.from(readFileSync(folder(`${model}.onnx`)));
  return { bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
}

export function cacheRuns(model: CacheRuns["model"], mode: CacheMode): CacheRuns {
  const { cacheLength, layers } = expected;
  return { model, mode, x: expected[model].x, layers, cacheLength };
}

export interface CountedResults extends CacheResults {
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/**
 * Runs every model in every mode that it has: the values are those of Python, the same bits in each
 * mode, and the caches stay where they are unless they are copied.
 */
export async function expectSameValues(
  run: (runs: CacheRuns) => Promise<CountedResults>,
): Promise<void> {
  const results = new Map<string, CountedResults>();
  for (const [model, mode] of CASES)
    results.set(`${model} ${mode}`, await run(cacheRuns(model, mode)));

  const growing = results.get("growing growing");
  expectClose(growing?.outputs, expected.growing.y);
  expect(growing?.caches).toEqual([expected.growing.present]);
  expect(results.get("growing copied")).toMatchObject({ ...growing, ...copiedBytes("growing") });

  const attention = results.get("attention growing");
  expectClose(attention?.outputs, expected.attention.logits);
  const { outputs, caches } = attention ?? { outputs: [], caches: [] };
  expect(results.get("attention copied")).toMatchObject({
    outputs,
    caches,
    ...copiedBytes("attention"),
  });
  const inPlace = results.get("attention in-place");
  expect(inPlace?.outputs).toEqual(outputs);
  expect(inPlace?.caches.map((cache) => written(cache))).toEqual(caches);

  // The step's own inputs and its first output; the caches once, when they are read in the end.
  expect(growing).toMatchObject(ownBytes("growing", sizeOf(growing?.caches)));
  expect(attention).toMatchObject(ownBytes("attention", sizeOf(caches)));
  expect(inPlace).toMatchObject(ownBytes("attention", sizeOf(inPlace?.caches)));
}

const FLOAT_BYTES = 4;
const OWN_INPUTS = { growing: 16, attention: 16 + 2 };
const OWN_OUTPUTS = 12;
/** Values that a step adds to the caches. */
const CACHE_VALUES = { growing: 16, attention: 2 * 2 * 2 * 8 };

type Bytes = Pick<CountedResults, "bytesIn" | "bytesOut">;

function ownBytes(model: CacheRuns["model"], readBytes: number): Bytes {
  const steps = expected[model].x.length;
  return {
    bytesIn: steps * OWN_INPUTS[model] * FLOAT_BYTES,
    bytesOut: steps * OWN_OUTPUTS * FLOAT_BYTES + readBytes,
  };
}

/** Step n copies the caches of n steps in, and those of n + 1 out. */
function copiedBytes(model: CacheRuns["model"]): Bytes {
  const steps = expected[model].x.length;
  const stepBytes = CACHE_VALUES[model] * FLOAT_BYTES;
  const { bytesIn, bytesOut } = ownBytes(model, 0);
  return {
    bytesIn: bytesIn + stepBytes * ((steps * (steps - 1)) / 2),
    bytesOut: bytesOut + stepBytes * ((steps * (steps + 1)) / 2),
  };
}

function sizeOf(caches: readonly (readonly number[])[] = []): number {
  return caches.reduce((sum, { length }) => sum + length * FLOAT_BYTES, 0);
}

/** The part of a cache of fixed length that the steps have written, for each head. */
function written(cache: readonly number[]): number[] {
  const headSize = 8;
  const heads = cache.length / (expected.cacheLength * headSize);
  return Array.from({ length: heads }, (_, head) => {
    const start = head * expected.cacheLength * headSize;
    return cache.slice(start, start + expected.attention.x.length * headSize);
  }).flat();
}

function expectClose(actual: number[][] | undefined, expectedRows: number[][]): void {
  expect(actual?.map((row) => row.length)).toEqual(expectedRows.map((row) => row.length));
  const differences = expectedRows.flatMap((row, i) =>
    row.map((value, j) => Math.abs(value - (actual?.[i]?.[j] ?? Number.NaN))),
  );
  expect(Math.max(...differences)).toBeLessThan(TOLERANCE);
}
