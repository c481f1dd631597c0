import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { ModelSource } from "../../../src/domain/ports.ts";
import { ENGINE_BYTES } from "../../../src/runtime/cell.ts";
import { sum } from "../../support/awkward-models.ts";
import { toNumbers } from "../../support/cache-runs.ts";
import { rejectedApiError } from "../../support/errors.ts";
import {
  add,
  CELL_BYTES,
  createPool,
  endLoads,
  ignore,
  LARGE_MODEL_BYTES,
  largeSource,
  lease,
  MIB,
  readyOf,
  sourceOf,
  use,
} from "../../support/runtime-pool.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/** What leases keep in memory. */

beforeAll(stubWorkersGlobals);
afterAll(() => void vi.unstubAllGlobals());

describe("a leased model", () => {
  test("is loaded once, and says whether it was for the lease", async () => {
    const pool = createPool(CELL_BYTES);
    const source = sourceOf(sum(1));
    const leases = await Promise.all([lease(pool, source), lease(pool, source)]);
    leases.push(await lease(pool, source));
    expect(leases.map(({ coldStart }) => coldStart)).toEqual([true, true, false]);
    expect(pool.stats()).toMatchObject({ loads: 1, leases: [{}, {}, {}] });
    for (const held of leases) held.dispose();
    expect(pool.stats()).toMatchObject({ leases: [], cells: [{ models: [{}] }] });
  });

  test("of a cell of its own is not evicted before the lease ends", async () => {
    const pool = createPool(2 * CELL_BYTES);
    const [leased, second, third] = [1, 2, 3].map((bias) => largeSource(bias)) as [
      ModelSource,
      ModelSource,
      ModelSource,
    ];
    const held = await lease(pool, leased);
    const handle = held.allocate("cache", "FP32", [1]);
    for (const source of [second, third, second, third]) await use(pool, source);
    pool.reserve(2 * CELL_BYTES);
    expect(readyOf(pool, leased, second, third)).toEqual([true, false, false]);
    expect(add(held, 2)).toBe(3);
    expect(toNumbers(handle.read())).toEqual([0]);

    held.dispose();
    for (const source of [second, third]) await use(pool, source);
    expect(readyOf(pool, leased, second, third)).toEqual([false, true, true]);
  });

  test("of a shared cell is not evicted, while others are", async () => {
    const pool = createPool(3 * CELL_BYTES);
    const small = (bias: number) => sourceOf(sum(bias), { heapBytes: 4 * MIB });
    const leased = small(0);
    const held = await lease(pool, leased);
    const others = Array.from({ length: 10 }, (_, index) => small(index + 1));
    for (const source of others) await use(pool, source);
    expect(pool.stats().cells).toHaveLength(1);
    expect(readyOf(pool, leased, ...others.slice(0, 5))).toEqual([
      true,
      ...Array<boolean>(5).fill(false),
    ]);
    expect(add(held, 2)).toBe(2);
    held.dispose();
    for (const source of others) await use(pool, source);
    expect(readyOf(pool, leased)).toEqual([false]);
  });

  test("that is unloaded serves its lease only", async () => {
    const pool = createPool(4 * CELL_BYTES);
    const source = largeSource(1);
    const held = await lease(pool, source);
    await endLoads();
    expect(pool.unload(source.sha256)).toBe(true);
    expect(pool.state(source.sha256)).toEqual({ state: "absent" });
    expect(pool.unload(source.sha256)).toBe(false);
    expect(add(held, 1)).toBe(2);

    expect(await use(pool, source, 2)).toBe(3);
    expect(pool.stats()).toMatchObject({ loads: 2, evictions: 1, cells: [{}, {}] });
    held.dispose();
    expect(pool.stats()).toMatchObject({ cells: [{}], evictions: 1, usedBytes: CELL_BYTES });
    expect(pool.state(source.sha256)).toEqual({ state: "ready" });
    expect(await use(pool, source, 3)).toBe(4);
    expect(pool.stats()).toMatchObject({ loads: 2 });
  });

  test("outlives the cut-off load of another model in its cell, which then gets no more models", async () => {
    const pool = createPool(3 * CELL_BYTES, 20);
    const held = await lease(pool, sourceOf(sum(1)));
    const handle = held.allocate("cache", "FP32", [1]);
    const other = sourceOf(sum(2));
    const resume = Promise.withResolvers<void>();
    const cutOff: ModelSource = {
      ...other,
      open: async () => {
        const { sizeBytes, body } = await other.open();
        const late = new TransformStream<Uint8Array, Uint8Array>({ start: () => resume.promise });
        return { sizeBytes, body: body.pipeThrough(late) };
      },
    };
    const late = pool.use(cutOff, ignore, () => "late");
    expect(await use(pool, other, 1)).toBe(3);
    expect(pool.stats().cells).toMatchObject([{ shared: true }, { shared: true }]);
    expect(add(held, 1)).toBe(2);
    expect(toNumbers(handle.read())).toEqual([0]);
    // When the load goes on after all, its caller gets the model that is ready elsewhere.
    resume.resolve();
    expect(await late).toBe("late");
    expect(pool.stats().cells).toMatchObject([{ models: [{}] }, { models: [{}] }]);
    held.dispose();
    expect(pool.stats()).toMatchObject({ usedBytes: CELL_BYTES, cells: [{ models: [{}] }] });
    expect(await use(pool, other, 1)).toBe(3);
    expect(pool.stats()).toMatchObject({ loads: 3 });
  });
});

describe("reserved memory", () => {
  test("counts in the budget until the lease ends, and can be allocated", async () => {
    const pool = createPool(3 * CELL_BYTES);
    const held = await lease(pool, largeSource(1), { reservedBytes: 20 * MIB });
    const usedBytes = ENGINE_BYTES + LARGE_MODEL_BYTES + 20 * MIB;
    expect(pool.stats()).toMatchObject({
      usedBytes,
      cells: [{ memoryBytes: CELL_BYTES }],
      leases: [{ name: "large-1", version: "1", reservedBytes: 20 * MIB, handles: 0 }],
    });
    // Nothing else fits beside it, whatever it is for.
    await rejectedApiError("overloaded", use(pool, largeSource(2)));
    held.allocate("cache", "INT8", [20 * MIB]);
    expect(pool.stats()).toMatchObject({ leases: [{ handles: 1, handleBytes: 20 * MIB }] });
    expect(pool.stats().usedBytes).toBeLessThanOrEqual(3 * CELL_BYTES);
    held.dispose();
    expect(await use(pool, largeSource(2))).toBe(3);
    expect(pool.stats().usedBytes).toBeLessThanOrEqual(3 * CELL_BYTES);
  });

  test("is made by evicting idle models, least recently used first", async () => {
    const pool = createPool(4 * CELL_BYTES);
    const [first, second, third] = [1, 2, 3].map((bias) => largeSource(bias)) as [
      ModelSource,
      ModelSource,
      ModelSource,
    ];
    for (const source of [first, second, third, first]) await use(pool, source);
    using held = await lease(pool, third, { reservedBytes: 20 * MIB });
    expect(readyOf(pool, first, second, third)).toEqual([true, false, true]);
    expect(held.reservedBytes).toBe(20 * MIB);
  });

  test("of a shared cell is made by evicting its other models as well", async () => {
    const pool = createPool(2 * CELL_BYTES);
    const small = (bias: number) => sourceOf(sum(bias), { heapBytes: 4 * MIB });
    const sources = [small(1), small(2), small(3)] as const;
    for (const source of sources) await use(pool, source);
    // The engine, one model and this are 1.5 MiB less than the budget, with two models too much.
    using held = await lease(pool, sources[2], { reservedBytes: 16 * MIB });
    expect(readyOf(pool, ...sources)).toEqual([false, false, true]);
    expect(add(held, 1)).toBe(4);
    expect(pool.stats().usedBytes).toBeLessThanOrEqual(2 * CELL_BYTES);
  });

  test("that can never fit is refused with what there is, and evicts nothing", async () => {
    const pool = createPool(3 * CELL_BYTES);
    const [idle, source] = [largeSource(1), largeSource(2)];
    await use(pool, idle);
    await use(pool, source);
    const error = await rejectedApiError(
      "out_of_memory",
      lease(pool, source, { reservedBytes: 64 * MIB }),
    );
    const availableBytes = 3 * CELL_BYTES - ENGINE_BYTES - LARGE_MODEL_BYTES;
    expect(error.details).toMatchObject({ neededBytes: 64 * MIB, availableBytes });
    expect(error.message).toBe(
      `A lease of model "large-2" version 1 needs ${64 * MIB} bytes beside the model, and ${availableBytes} bytes are available: the budget of 48 MiB (MEMORY_BUDGET_BYTES) has no more.`,
    );
    expect(readyOf(pool, idle, source)).toEqual([true, true]);
    expect(pool.stats()).toMatchObject({ leases: [], usedBytes: 2 * CELL_BYTES });
    using held = await lease(pool, source, { reservedBytes: availableBytes });
    expect(pool.stats()).toMatchObject({ usedBytes: 3 * CELL_BYTES });
    held.dispose();
  });

  test("that does not fit beside other leases is refused for now, with what there is", async () => {
    const pool = createPool(4 * CELL_BYTES);
    const [first, second] = [largeSource(1), largeSource(2)];
    const held = await lease(pool, first, { reservedBytes: 20 * MIB });
    await use(pool, second);
    const error = await rejectedApiError(
      "overloaded",
      lease(pool, second, { reservedBytes: 20 * MIB }),
    );
    const availableBytes = 4 * CELL_BYTES - 2 * (ENGINE_BYTES + LARGE_MODEL_BYTES) - 20 * MIB;
    expect(error.details).toMatchObject({ neededBytes: 20 * MIB, availableBytes });
    expect(pool.stats()).toMatchObject({ leases: [{}] });
    using most = await lease(pool, second, { reservedBytes: availableBytes });
    expect(pool.stats()).toMatchObject({ usedBytes: 4 * CELL_BYTES, leases: [{}, {}] });
    held.dispose();
    most.dispose();
    using next = await lease(pool, second, { reservedBytes: 20 * MIB });
    expect(next.coldStart).toBe(false);
  });

  test.each([
    ["of a negative size", { reservedBytes: -1 }],
    ["of a size that is no number", { reservedBytes: Number.NaN }],
    ["for a time that is no number", { lifetimeMs: Number.NaN }],
  ])("%s is refused", async (_, options) => {
    const pool = createPool(CELL_BYTES);
    await expect(lease(pool, sourceOf(sum(1)), options)).rejects.toThrow("A lease needs");
    expect(pool.stats()).toMatchObject({ leases: [] });
  });
});
