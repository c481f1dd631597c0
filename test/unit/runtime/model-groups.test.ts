import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { ModelRuntime, ModelSource } from "../../../src/domain/ports.ts";
import { ENGINE_BYTES } from "../../../src/runtime/cell.ts";
import { sum } from "../../support/awkward-models.ts";
import { rejectedApiError } from "../../support/errors.ts";
import {
  add,
  CELL_BYTES,
  createPool,
  endLoads,
  largeSource,
  lease,
  MIB,
  readyOf,
  sourceOf,
  use,
} from "../../support/runtime-pool.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/** Models that are used together: an encoder and its decoder. */

beforeAll(stubWorkersGlobals);
afterAll(() => void vi.unstubAllGlobals());

/** @param heapBytes that it is said to need */
function member(group: string, bias: number, heapBytes: number): ModelSource {
  return { ...sourceOf(sum(bias), { name: group, heapBytes }), group };
}

function cellsOf(pool: ModelRuntime): string[][] {
  return pool.stats().cells.map(({ models }) => models.map(({ name }) => name).sort());
}

test("models of a group share a cell with one another, and with no others", async () => {
  const pool = createPool(8 * CELL_BYTES);
  const speech = [member("speech", 1, 5 * MIB), member("speech", 2, MIB), member("speech", 3, MIB)];
  const other = member("other", 4, MIB);
  const small = sourceOf(sum(5), { name: "small" });
  for (const [index, source] of [...speech, other, small].entries())
    expect(await use(pool, source)).toBe(2 + index);
  expect(cellsOf(pool)).toEqual([["speech", "speech", "speech"], ["other"], ["small"]]);
  expect(pool.stats()).toMatchObject({ loads: 5, evictions: 0 });
});

test("models of a group that are loaded at once share its cell", async () => {
  const pool = createPool(8 * CELL_BYTES);
  const sources = [1, 2, 3].map((bias) => member("speech", bias, 5 * MIB));
  expect(await Promise.all(sources.map((source) => use(pool, source)))).toEqual([2, 3, 4]);
  expect(cellsOf(pool)).toEqual([["speech", "speech", "speech"]]);
  expect(pool.stats().usedBytes).toBeLessThanOrEqual(ENGINE_BYTES + 15 * MIB + CELL_BYTES);
});

test("the models of a group that fit together stay where two cells would not fit", async () => {
  const pool = createPool(30 * MIB);
  const [encoder, decoder] = [member("speech", 1, 9 * MIB), member("speech", 2, 9 * MIB)];
  for (let window = 0; window < 3; window++) {
    expect(await use(pool, encoder)).toBe(2);
    using held = await lease(pool, decoder, { reservedBytes: MIB });
    expect(add(held, 1)).toBe(3);
    await endLoads();
  }
  expect(pool.stats()).toMatchObject({ loads: 2, evictions: 0 });
});

test("of a group that does not fit together, what was not used for longest is released", async () => {
  const pool = createPool(30 * MIB);
  const [a, b, c] = [1, 2, 3].map((bias) => member("speech", bias, 9 * MIB)) as [
    ModelSource,
    ModelSource,
    ModelSource,
  ];
  await use(pool, a);
  await use(pool, b);
  await use(pool, c);
  expect(readyOf(pool, a, b, c)).toEqual([false, true, true]);
  using held = await lease(pool, b);
  await endLoads();
  expect(await use(pool, a)).toBe(2);
  expect(readyOf(pool, a, b, c)).toEqual([true, true, false]);
  expect(add(held, 1)).toBe(3);
});

test("a model that does not fit beside the leased ones of its group is refused for now", async () => {
  const pool = createPool(30 * MIB);
  const [encoder, decoder] = [member("speech", 1, 12 * MIB), member("speech", 2, 12 * MIB)];
  const held = await lease(pool, decoder);
  await endLoads();
  await rejectedApiError("overloaded", use(pool, encoder));
  expect(add(held, 1)).toBe(3);
  held.dispose();
  expect(await use(pool, encoder)).toBe(2);
});

test("the memory of an idle group is freed at once for another model", async () => {
  const pool = createPool(36 * MIB);
  const speech = [member("speech", 1, 9 * MIB), member("speech", 2, 9 * MIB)];
  for (const source of speech) await use(pool, source);
  const large = largeSource(7);
  const larger = { ...largeSource(8), heapBytes: 20 * MIB };
  await use(pool, large);
  await use(pool, larger);
  expect(readyOf(pool, ...speech, larger)).toEqual([false, false, true]);
});
