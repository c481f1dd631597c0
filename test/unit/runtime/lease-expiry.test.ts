import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { EngineCalls } from "../../../src/runtime/engine-calls.ts";
import { MemoryBudget } from "../../../src/runtime/memory-budget.ts";
import { OrtSession } from "../../../src/runtime/ort-session.ts";
import { ones, sum } from "../../support/awkward-models.ts";
import { toNumbers } from "../../support/cache-runs.ts";
import { catchApiError, rejectedApiError } from "../../support/errors.ts";
import { buildOnnx } from "../../support/onnx-builder.ts";
import {
  add,
  CELL_BYTES,
  clock,
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

/** Leases that expire, because nothing disposes of them. */

beforeAll(stubWorkersGlobals);
afterAll(() => void vi.unstubAllGlobals());

describe("a lease that is not disposed", () => {
  test("ends while another cell grows, but not while its own engine is in the middle of a call", async () => {
    const budget = new MemoryBudget({
      limit: { bytes: 2 * CELL_BYTES, setting: "MEMORY_BUDGET_BYTES" },
      calls: new EngineCalls(),
      onEvict: ignore,
      now: () => clock.ms,
    });
    const pinInNewCell = async () => {
      const cell = budget.allocateCell(LARGE_MODEL_BYTES, true);
      const instance = await cell?.instance();
      if (!cell || !instance) throw new Error("the budget has no memory for a cell");
      const bytes = buildOnnx(sum(1));
      const address = instance.allocate(bytes.length);
      instance.heap.set(bytes, address);
      const source = largeSource(1);
      const session = new OrtSession(instance, address, bytes.length, source);
      const resident = {
        source,
        session,
        cell,
        heapBytes: 0,
        packing: undefined,
        lastUsed: 0,
        unloaded: false,
      };
      cell.residents.add(resident);
      const pin = {
        resident,
        reservedBytes: 0,
        expiresAt: clock.ms,
        isRevocable: false,
        end: vi.fn(() => budget.unpin(pin)),
      };
      budget.pin(pin);
      return { instance, pin };
    };
    const [growing, other] = [await pinInNewCell(), await pinInNewCell()];
    expect(() => growing.instance.allocate(CELL_BYTES)).toThrow("out of memory");
    expect(growing.pin.end).not.toHaveBeenCalled();
    expect(other.pin.end).toHaveBeenCalledOnce();
  });

  test("expires, and its model is evicted when the memory is needed", async () => {
    const pool = createPool(2 * CELL_BYTES);
    const [abandoned, other] = [largeSource(1), largeSource(2)];
    const held = await lease(pool, abandoned, { reservedBytes: 16 * MIB, lifetimeMs: 10 });
    held.allocate("cache", "INT8", [16 * MIB]);
    await endLoads();
    await rejectedApiError("overloaded", use(pool, other));
    clock.ms += 10;
    expect(await use(pool, other)).toBe(3);
    expect(readyOf(pool, abandoned, other)).toEqual([false, true]);
    expect(pool.stats()).toMatchObject({ leases: [], usedBytes: CELL_BYTES });
  });

  test("expires, and a run that needs the memory in the middle gets it", async () => {
    const pool = createPool(3 * CELL_BYTES);
    const counting = sourceOf(ones, { name: "ones", heapBytes: LARGE_MODEL_BYTES });
    const count = (side: bigint) =>
      pool.use(counting, ignore, (model) => {
        // The lease expires while the run is in progress.
        clock.ms += 10;
        const data = new Uint8Array(BigInt64Array.of(side, 1_048_576n).buffer);
        const [c] = model.run([{ name: "s", datatype: "INT64", shape: [2], data }], ["c"]);
        return c && toNumbers(c);
      });
    expect(await count(1n)).toEqual([1_048_576]);
    await endLoads();
    const abandoned = largeSource(1);
    const held = await lease(pool, abandoned, { reservedBytes: 8 * MIB, lifetimeMs: 10 });
    await endLoads();
    expect(await count(6n)).toEqual([6_291_456]);
    expect(readyOf(pool, abandoned)).toEqual([false]);
    catchApiError("deadline_exceeded", () => add(held, 1));
    expect(pool.stats()).toMatchObject({ leases: [], crashes: 0 });
  });

  test("expires, and the next run in its cell has the memory of its tensors", async () => {
    const pool = createPool(CELL_BYTES);
    const source = sourceOf(sum(1));
    for (let i = 0; i < 10; i++) {
      const held = await lease(pool, source, { lifetimeMs: 10 });
      held.allocate("cache", "INT8", [4 * MIB]);
      clock.ms += 10;
    }
    expect(await use(pool, source)).toBe(2);
    expect(pool.stats()).toMatchObject({ leases: [], cells: [{ memoryBytes: CELL_BYTES }] });
  });

  test("is refused when it has expired before its model was loaded", async () => {
    const pool = createPool(CELL_BYTES);
    await rejectedApiError("deadline_exceeded", lease(pool, sourceOf(sum(1)), { lifetimeMs: 0 }));
    expect(pool.stats()).toMatchObject({ leases: [], loads: 1 });
  });
});
