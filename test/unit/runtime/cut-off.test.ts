import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Lease, LoadedModel, ModelRuntime, ModelSource } from "../../../src/domain/ports.ts";
import type { Tensor } from "../../../src/domain/tensor.ts";
import { additions, ones, sum } from "../../support/awkward-models.ts";
import { toNumbers } from "../../support/cache-runs.ts";
import { cutOff } from "../../support/cut-off.ts";
import { catchApiError } from "../../support/errors.ts";
import {
  add,
  addUp,
  CELL_BYTES,
  clock,
  createPool,
  endLoads,
  FOREVER,
  ignore,
  largeSource,
  lease,
  MIB,
  readyOf,
  sourceOf,
  use,
} from "../../support/runtime-pool.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/**
 * The platform terminates a request in the middle of a call into the engine, and the isolate goes on. V8 does the same to
 * the work of these tests, with the real engine.
 */

beforeAll(stubWorkersGlobals);
afterAll(() => void vi.unstubAllGlobals());

async function useAdditions(pool: ModelRuntime, source: ModelSource, times = 3n): Promise<number> {
  const y = await pool.use(source, ignore, addUp(times, 0.5));
  await endLoads();
  return y;
}

function cutOffRun(pool: ModelRuntime, source: ModelSource): void {
  cutOff(() => void pool.use(source, ignore, addUp(FOREVER)));
}

describe("a run that is cut off in a shared cell", () => {
  async function fill(budgetBytes = 4 * CELL_BYTES) {
    const pool = createPool(budgetBytes);
    const [endless, other] = [sourceOf(additions, { name: "additions" }), sourceOf(sum(1))];
    expect([await useAdditions(pool, endless), await use(pool, other, 1)]).toEqual([3.5, 2]);
    expect(pool.stats()).toMatchObject({ crashes: 0, cells: [{ models: [{}, {}] }] });
    return { pool, endless, other };
  }

  test("costs that cell, and its models answer in a new one", async () => {
    const { pool, endless, other } = await fill();
    cutOffRun(pool, endless);
    expect(await use(pool, other, 2)).toBe(3);
    expect(pool.stats()).toMatchObject({
      crashes: 1,
      evictions: 2,
      usedBytes: CELL_BYTES,
      cells: [{ shared: true, models: [{ name: "model" }] }],
    });
    expect(await useAdditions(pool, endless)).toBe(3.5);
    expect(pool.stats()).toMatchObject({ crashes: 1, cells: [{ models: [{}, {}] }] });
  });

  test("is noticed whatever is asked next", async () => {
    const asked: ((pool: ModelRuntime, sha256: string) => unknown)[] = [
      (pool) => pool.stats().cells.length,
      (pool, sha256) => pool.state(sha256).state,
      (pool, sha256) => pool.unload(sha256),
      (pool) => pool.reserve(0),
    ];
    const answers = [];
    for (const ask of asked) {
      const { pool, endless, other } = await fill();
      cutOffRun(pool, endless);
      answers.push(ask(pool, other.sha256));
      expect(pool.stats()).toMatchObject({ crashes: 1, cells: [], usedBytes: 0 });
    }
    expect(answers).toEqual([0, "absent", false, undefined]);
  });

  test("ends the leases of that cell, and no others", async () => {
    const { pool, endless, other } = await fill();
    const held = await lease(pool, other);
    const handle = held.allocate("cache", "FP32", [2]);
    const elsewhere = await lease(pool, largeSource(5));
    cutOffRun(pool, endless);
    catchApiError("engine_crashed", () => handle.read());
    catchApiError("engine_crashed", () => add(held, 1));
    catchApiError("engine_crashed", () => held.allocate("another", "FP32", [1]));
    handle.dispose();
    held.dispose();
    expect(add(elsewhere, 1)).toBe(6);
    expect(pool.stats()).toMatchObject({
      crashes: 1,
      leases: [{ name: "large-5" }],
      usedBytes: CELL_BYTES,
    });
  });

  test("a second time gives its model a cell of its own, where it costs no other", async () => {
    const { pool, endless, other } = await fill();
    for (const shared of [true, false]) {
      cutOffRun(pool, endless);
      expect(await use(pool, other, 1)).toBe(2);
      expect(await useAdditions(pool, endless)).toBe(3.5);
      const { cells } = pool.stats();
      expect(cells.find(({ models }) => models.at(-1)?.name === "additions")).toMatchObject({
        shared,
      });
    }
    cutOffRun(pool, endless);
    expect(readyOf(pool, other, endless)).toEqual([true, false]);
    expect(pool.stats()).toMatchObject({ crashes: 3, usedBytes: CELL_BYTES });
    expect(await useAdditions(pool, endless)).toBe(3.5);
  });
});

describe("a leased run that is cut off", () => {
  test.each<[string, (held: Lease) => void]>([
    ["used again", ({ model }) => void catchApiError("engine_crashed", () => addUp(1n)(model))],
    ["asked", ({ model }) => void catchApiError("engine_crashed", () => model.describe())],
    ["disposed of", (held) => held.dispose()],
  ])("ends its lease when that is %s", async (_, next) => {
    const pool = createPool(CELL_BYTES);
    const source = sourceOf(additions);
    const held = await lease(pool, source, { reservedBytes: MIB });
    const handle = held.allocate("cache", "FP32", [2]);
    cutOff(() => void addUp(FOREVER)(held.model));
    next(held);
    handle.dispose();
    expect(pool.stats()).toMatchObject({ crashes: 1, leases: [], cells: [], usedBytes: 0 });
    using another = await lease(pool, source);
    expect(addUp(4n, 1)(another.model)).toBe(5);
  });
});

describe("a run in which memory grows", () => {
  const side = 2048n;
  const s: Tensor = {
    name: "s",
    datatype: "INT64",
    shape: [2],
    data: new Uint8Array(BigInt64Array.of(side, side).buffer),
  };

  /** 16 MiB of ones, which the cell of 16 MiB grows for. */
  const grow = (model: LoadedModel): number[] => {
    const [c] = model.run([s], ["c"]);
    return c ? toNumbers(c) : [];
  };

  test("releases tensors and models of other cells, which nobody takes for cut off", async () => {
    const pool = createPool(3 * CELL_BYTES);
    const [leased, idle] = [largeSource(1), largeSource(2)];
    const held = await lease(pool, leased, { lifetimeMs: 1000 });
    held.allocate("cache", "FP32", [1000]);
    await use(pool, idle);
    const growing = sourceOf(ones);
    await pool.use(growing, ignore, () => {});
    await endLoads();
    const result = await pool.use(growing, ignore, (model) => {
      clock.ms += 1000;
      return grow(model);
    });
    expect(result).toEqual([Number(side * side)]);
    expect(readyOf(pool, leased, idle, growing)).toEqual([false, true, true]);
    expect(pool.stats()).toMatchObject({ crashes: 0, leases: [] });
    expect(await use(pool, idle, 1)).toBe(3);
  });

  test("costs its own cell alone when it is cut off meanwhile", async () => {
    const pool = createPool(3 * CELL_BYTES);
    let isEndless = true;
    const consumer = {
      memoryBytes: CELL_BYTES,
      release() {
        while (isEndless);
        this.memoryBytes = 0;
      },
    };
    pool.register(consumer);
    const [growing, other] = [sourceOf(ones), largeSource(1)];
    await use(pool, other);
    await pool.use(growing, ignore, () => {});
    await endLoads();
    cutOff(() => void pool.use(growing, ignore, grow));
    expect(readyOf(pool, other, growing)).toEqual([true, false]);
    expect(pool.stats()).toMatchObject({ crashes: 1, usedBytes: 2 * CELL_BYTES });
    isEndless = false;
    expect(await use(pool, other, 1)).toBe(2);
    expect(await pool.use(growing, ignore, grow)).toEqual([Number(side * side)]);
  });
});
