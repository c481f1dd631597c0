import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Lease, ModelRuntime, RevocableLease } from "../../../src/domain/ports.ts";
import type { TensorHandle } from "../../../src/domain/tensor-handle.ts";
import { ones, sum } from "../../support/awkward-models.ts";
import { floats, toNumbers } from "../../support/cache-runs.ts";
import { catchApiError } from "../../support/errors.ts";
import {
  add,
  CELL_BYTES,
  clock,
  createPool,
  largeSource,
  lease,
  MIB,
  sourceOf,
  use,
} from "../../support/runtime-pool.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/** Tensors over the memory of others, copies inside the heap, and leases for what may be lost. */

beforeAll(stubWorkersGlobals);
afterAll(() => void vi.unstubAllGlobals());

const source = sourceOf(sum(1));

function place(held: Lease, shape: readonly number[]): TensorHandle {
  const count = shape.reduce((product, size) => product * size, 1);
  const values = Array.from({ length: count }, (_, index) => index + 1);
  return held.place(floats("a", shape, values));
}

describe("a view", () => {
  test("has the memory of entries of its tensor, with which it is released", async () => {
    using held = await lease(createPool(2 * CELL_BYTES), source);
    const tensor = place(held, [3, 2]);
    const view = held.view(tensor, 1, 2);
    expect(view.shape).toEqual([2, 2]);
    expect(toNumbers(view.read())).toEqual([3, 4, 5, 6]);
    const other = place(held, [2, 2]);
    held.copy(other, view, { blocks: 1, elements: 4, from: position(0), to: position(0) });
    expect(toNumbers(tensor.read())).toEqual([1, 2, 1, 2, 3, 4]);
    tensor.dispose();
    expect(() => view.read()).toThrow("not of this lease");
  });

  test("takes no memory of its own, and leaves the tensor's when it is released", async () => {
    const pool = createPool(2 * CELL_BYTES);
    using held = await lease(pool, source);
    const tensor = place(held, [4]);
    const view = held.view(tensor, 0, 4);
    expect(pool.stats().leases).toMatchObject([{ handleBytes: 16 }]);
    view.dispose();
    expect(toNumbers(tensor.read())).toEqual([1, 2, 3, 4]);
    expect(() => held.view(tensor, 3, 2)).toThrow(RangeError);
  });
});

const position = (start: number, stride = 0) => ({ start, stride });

describe("a copy inside the heap", () => {
  test("takes blocks to other places, also of another lease and of a longer tensor", async () => {
    const pool = createPool(2 * CELL_BYTES);
    using one = await lease(pool, source);
    using two = await lease(pool, source);
    const from = place(one, [2, 3]);
    const to = two.allocate("b", "FP32", [2, 5]);
    const { bytesIn, bytesOut } = pool.stats();
    two.copy(from, to, { blocks: 2, elements: 2, from: position(1, 3), to: position(0, 5) });
    expect(pool.stats()).toMatchObject({ bytesIn, bytesOut });
    expect(toNumbers(to.read())).toEqual([2, 3, 0, 0, 0, 5, 6, 0, 0, 0]);
  });

  test("refuses elements and tensors that there are not", async () => {
    const pool = createPool(3 * CELL_BYTES);
    using held = await lease(pool, source);
    using other = await lease(pool, largeSource(2));
    const tensor = place(held, [4]);
    const blocks = (elements: number) => ({
      blocks: 1,
      elements,
      from: position(0),
      to: position(1),
    });
    expect(() => held.copy(tensor, tensor, blocks(4))).toThrow(RangeError);
    expect(() => held.copy(place(other, [4]), tensor, blocks(1))).toThrow("different kinds");
    const gone = place(held, [4]);
    gone.dispose();
    expect(() => held.copy(gone, tensor, blocks(1))).toThrow("not of this lease");
  });
});

describe("a lease of a lease", () => {
  test("does not end with the first one, and has tensors of its own", async () => {
    const pool = createPool(2 * CELL_BYTES);
    const first = await lease(pool, source);
    using second = first.fork({ expiresAt: clock.ms + 1000 });
    const tensor = place(second, [2]);
    first.dispose();
    expect(add(second, 1)).toBe(2);
    expect(toNumbers(tensor.read())).toEqual([1, 2]);
  });

  test("reserves more, and expires later, when it is changed", async () => {
    const pool = createPool(2 * CELL_BYTES);
    using held = await lease(pool, source, { reservedBytes: MIB, lifetimeMs: 1000 });
    held.change({ reservedBytes: 8 * MIB, expiresAt: clock.ms + 10_000 });
    expect(pool.stats().leases).toMatchObject([{ reservedBytes: 8 * MIB }]);
    clock.ms += 5000;
    expect(add(held, 1)).toBe(2);
    const refused = catchApiError("out_of_memory", () =>
      held.change({ reservedBytes: 64 * MIB, expiresAt: clock.ms }),
    );
    expect(refused.details).toMatchObject({ neededBytes: 56 * MIB });
    expect(held.reservedBytes).toBe(8 * MIB);
    expect(add(held, 1)).toBe(2);
  });
});

describe("what is kept until its memory is needed", () => {
  /** A quarter of the budget may be kept. */
  const BUDGET = 64 * MIB;
  let ended: string[];

  function keep(held: Lease, name: string, bytes: number): RevocableLease | undefined {
    const onEnd = () => void ended.push(name);
    const kept = held.keep({ expiresAt: clock.ms + 60_000, reservedBytes: bytes, onEnd });
    kept?.allocate(name, "UINT8", [bytes]);
    return kept;
  }

  async function begin(): Promise<{ pool: ModelRuntime; held: Lease }> {
    ended = [];
    const pool = createPool(BUDGET);
    return { pool, held: await lease(pool, source) };
  }

  test("outlives the lease that it was made of, does not pin the model, and is counted", async () => {
    const { pool, held } = await begin();
    keep(held, "a", 4 * MIB);
    held.dispose();
    const { kept, leases, usedBytes } = pool.stats();
    expect({ kept, leases }).toEqual({ kept: { leases: 1, bytes: 4 * MIB }, leases: [] });
    expect(usedBytes).toBeGreaterThan(4 * MIB + CELL_BYTES / 2);
    expect(ended).toEqual([]);
    expect(pool.unload(source.sha256)).toBe(true);
    expect(ended).toEqual(["a"]);
    expect(pool.state(source.sha256)).toEqual({ state: "absent" });
  });

  test("ends least recently used first, when more is kept than the share of the budget", async () => {
    const { pool, held } = await begin();
    const a = keep(held, "a", 6 * MIB);
    keep(held, "b", 6 * MIB);
    a?.touch(clock.ms + 60_000);
    keep(held, "c", 6 * MIB);
    expect(ended).toEqual(["b"]);
    expect(keep(held, "d", 17 * MIB)).toBeUndefined();
    expect(ended).toEqual(["b"]);
    expect(pool.stats().kept).toEqual({ leases: 2, bytes: 12 * MIB });
    held.dispose();
  });

  test("ends before a lease is refused, and before another model is evicted", async () => {
    const { pool, held } = await begin();
    keep(held, "a", 8 * MIB);
    keep(held, "b", 4 * MIB);
    using large = await lease(pool, source, { reservedBytes: 36 * MIB });
    expect(ended).toEqual(["a"]);
    expect(large.reservedBytes).toBe(36 * MIB);
    held.dispose();
  });

  test("finds room in a heap that has grown, and does not end for leases that find it as well", async () => {
    const { pool, held } = await begin();
    held.allocate("large", "UINT8", [47 * MIB]).dispose();
    const { usedBytes } = pool.stats();
    expect(BUDGET - usedBytes).toBeLessThan(8 * MIB);
    expect(keep(held, "a", 4 * MIB)).toBeDefined();
    using other = await lease(pool, source, { reservedBytes: 8 * MIB });
    expect(add(other, 1)).toBe(2);
    expect(ended).toEqual([]);
    expect(pool.stats()).toMatchObject({ usedBytes, kept: { leases: 1, bytes: 4 * MIB } });
    held.dispose();
  });

  test("ends with its model, when that is evicted for another one", async () => {
    const pool = createPool(2 * CELL_BYTES);
    ended = [];
    const first = largeSource(1);
    const held = await lease(pool, first);
    keep(held, "a", MIB);
    held.dispose();
    await use(pool, largeSource(2));
    await use(pool, largeSource(3));
    expect(ended).toEqual(["a"]);
    expect(pool.state(first.sha256)).toEqual({ state: "absent" });
  });

  test("ends when a tensor finds no room in the heap otherwise", async () => {
    const { held } = await begin();
    keep(held, "a", 16 * MIB);
    held.allocate("large", "UINT8", [28 * MIB]);
    expect(ended).toEqual([]);
    const tensor = held.allocate("another", "UINT8", [14 * MIB]);
    expect(ended).toEqual(["a"]);
    expect(tensor.sizeBytes).toBe(14 * MIB);
    held.dispose();
  });

  test("ends when it expires, and with its cell", async () => {
    const { pool, held } = await begin();
    keep(held, "a", MIB);
    clock.ms += 60_001;
    expect(pool.stats().kept).toEqual({ leases: 0, bytes: 0 });
    expect(ended).toEqual(["a"]);
    using other = await lease(pool, sourceOf(ones, { name: "ones" }));
    keep(other, "b", MIB);
    expect(pool.stats().kept.leases).toBe(1);
    other.dispose();
    pool.unload(sourceOf(ones, { name: "ones" }).sha256);
    expect(ended).toEqual(["a", "b"]);
  });
});
