import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ApiError } from "../../../src/domain/errors.ts";
import type { Lease, ModelRuntime, ModelSource } from "../../../src/domain/ports.ts";
import type { TensorHandle } from "../../../src/domain/tensor-handle.ts";
import { ones, quotient, sum } from "../../support/awkward-models.ts";
import { expectSameValues, readCacheModel } from "../../support/cache-fixtures.ts";
import { floats, runWithCache, toNumbers } from "../../support/cache-runs.ts";
import { catchApiError, rejectedApiError } from "../../support/errors.ts";
import type { Graph } from "../../support/onnx-builder.ts";
import {
  add,
  CELL_BYTES,
  clock,
  createPool,
  ignore,
  largeSource,
  lease,
  MIB,
  readyOf,
  sourceOf,
  use,
} from "../../support/runtime-pool.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/** What a lease offers, and what it refuses. */

const INT32_MIN = -(2 ** 31);

let pool: ModelRuntime;

beforeAll(() => {
  stubWorkersGlobals();
  pool = createPool(4 * CELL_BYTES);
});
afterAll(() => void vi.unstubAllGlobals());

test("a tensor that is placed is read by runs without being copied again", async () => {
  using held = await lease(pool, sourceOf(sum(2)));
  const x = floats("x", [3], [1, 2, 3]);
  const before = pool.stats().bytesIn;
  const handle = held.place(x);
  for (let run = 0; run < 2; run++) {
    const [y] = held.model.run([{ name: "x", handle }], ["y"]);
    expect(toNumbers(y)).toEqual([3, 4, 5]);
  }
  expect(pool.stats().bytesIn - before).toBe(12);
  expect(handle.read()).toEqual(x);
  handle.dispose();
  expect(pool.stats().leases).toMatchObject([{ handles: 0 }]);
});

test("a tensor whose bytes contradict its shape is not placed", async () => {
  using held = await lease(pool, sourceOf(sum(2)));
  const { data, ...x } = floats("x", [3], [1, 2, 3]);
  expect(() => held.place({ ...x, data: data.subarray(4) })).toThrow('"x" has 12 bytes, not 8');
});

describe("a lease of a model that is prepared", () => {
  test("runs before the model is ready, and ends with the preparation", async () => {
    const pool = createPool(2 * CELL_BYTES);
    const sums: number[] = [];
    const source: ModelSource = {
      ...sourceOf(sum(1)),
      async prepare(_model, lease) {
        const held = lease(MIB);
        sums.push(add(held, 1));
        held.allocate("left behind", "FP32", [4]);
        expect(pool.stats().leases).toMatchObject([{ reservedBytes: MIB, handles: 1 }]);
      },
    };
    expect(await use(pool, source, 2)).toBe(3);
    expect(sums).toEqual([2]);
    expect(pool.stats()).toMatchObject({ leases: [], loads: 1, crashes: 0 });
    using held = await lease(pool, source);
    expect(add(held, 3)).toBe(4);
  });

  test("ends when the preparation fails, and the next load is another", async () => {
    const pool = createPool(2 * CELL_BYTES);
    let attempts = 0;
    const source: ModelSource = {
      ...sourceOf(sum(1)),
      async prepare(_model, lease) {
        lease();
        attempts += 1;
        if (attempts === 1) throw new ApiError("model_corrupt", "It is another model.");
      },
    };
    await rejectedApiError("model_corrupt", use(pool, source));
    expect(pool.stats()).toMatchObject({ leases: [] });
    expect(await use(pool, source)).toBe(2);
  });
});

describe("tensors that stay in the heap", () => {
  test("a cache gives the values of Python wherever it is kept, and crosses only when it is copied", () =>
    expectSameValues(async (runs) => {
      const pool = createPool(64 * MIB);
      const held = await lease(pool, sourceOf(readCacheModel(runs.model).bytes));
      const results = runWithCache(held, runs);
      const { bytesIn, bytesOut } = pool.stats();
      held.dispose();
      return { ...results, bytesIn, bytesOut };
    }));

  test("a handle has the datatype, the shape and the values of its output, also after later runs", async () => {
    using held = await lease(pool, sourceOf(sum(1)));
    const keep = [{ name: "y", keep: true }] as const;
    const [first] = held.model.run([floats("x", [3], [1, 2, 3])], keep);
    const [second] = held.model.run([{ name: "x", handle: first }], keep);
    expect(first).toMatchObject({ name: "y", datatype: "FP32", shape: [3], sizeBytes: 12 });
    expect(toNumbers(first.read())).toEqual([2, 3, 4]);
    expect(toNumbers(second.read())).toEqual([3, 4, 5]);
    first.dispose();
    expect(toNumbers(second.read())).toEqual([3, 4, 5]);
  });

  test("an allocated tensor is zero, and is written by the run that it is bound to", async () => {
    using held = await lease(pool, sourceOf(sum(1)));
    const handle = held.allocate("cache", "FP32", [2]);
    expect(handle.read()).toEqual(floats("cache", [2], [0, 0]));
    const run = () => held.model.run([{ name: "x", handle }], [{ name: "y", handle }]);
    expect(run()).toEqual([handle]);
    run();
    expect(toNumbers(handle.read())).toEqual([2, 2]);
  });

  test("a tensor that does not fit is refused, and the lease goes on", async () => {
    const pool = createPool(2 * CELL_BYTES);
    using held = await lease(pool, sourceOf(sum(1)));
    const error = catchApiError("out_of_memory", () => held.allocate("cache", "FP32", [8 * MIB]));
    expect(error.message).toMatch(/Tensor "cache", FP32 of shape \[8388608\], does not fit beside/);
    expect(add(held, 1)).toBe(2);
    expect(pool.stats()).toMatchObject({ crashes: 0, leases: [{ handles: 0 }] });
  });

  test.each([[-1], [1.5], [Number.NaN]])("a dimension of %d is refused", async (size) => {
    using held = await lease(pool, sourceOf(sum(1)));
    expect(() => held.allocate("cache", "FP32", [size])).toThrow("is not a fixed one");
  });

  const passing: Graph = {
    inputs: [
      { name: "x", datatype: "FP32", shape: [2] },
      { name: "s", datatype: "BYTES", shape: [1] },
    ],
    outputs: [
      { name: "x", datatype: "FP32", shape: [2] },
      { name: "t", datatype: "BYTES", shape: [1] },
    ],
    nodes: [{ op: "Identity", inputs: ["s"], outputs: ["t"] }],
  };

  test.each([
    [
      "an input that the model passes through",
      "x",
      /Output "x" cannot stay in the heap: it is an in/,
    ],
    ["strings", "t", /Output "t" cannot stay in the heap: it consists of strings/],
    ["an output that the model does not have", "z", /The model has no output "z"/],
  ])("%s cannot be kept or bound, and costs nothing", async (_, name, message) => {
    using held = await lease(pool, sourceOf(passing));
    const x = floats("x", [2], [1, 2]);
    const s = { name: "s", datatype: "BYTES", shape: [1], data: ["text"] } as const;
    const handle = held.allocate(name, "FP32", [2]);
    expect(() => held.model.run([x, s], [{ name, keep: true }])).toThrow(message);
    expect(() => held.model.run([x, s], [{ name, handle }])).toThrow(message);
    expect(held.model.run([x, s], ["x", "t"])).toEqual([x, { ...s, name: "t" }]);
    expect(pool.stats()).toMatchObject({ crashes: 0, leases: [{ handles: 1 }] });
  });

  test("a bound tensor of another shape is refused, and keeps what it had", async () => {
    using held = await lease(pool, sourceOf(sum(1)));
    const [handle] = held.model.run([floats("x", [2], [1, 2])], [{ name: "y", keep: true }]);
    const run = () => held.model.run([floats("x", [3], [1, 2, 3])], [{ name: "y", handle }]);
    expect(catchApiError("inference_failed", run).message).toContain("shape");
    expect(toNumbers(handle.read())).toEqual([2, 3]);
  });
});

describe("a handle", () => {
  /** Every way to use it. */
  const uses: [what: string, touch: (held: Lease, handle: TensorHandle) => unknown][] = [
    ["read", (_, handle) => handle.read()],
    ["fed", (held, handle) => held.model.run([{ name: "x", handle }], ["y"])],
    ["bound", (held, handle) => held.model.run([floats("x", [1], [1])], [{ name: "y", handle }])],
  ];

  test.each(uses)("that was disposed is refused when it is %s", async (_, touch) => {
    using held = await lease(pool, sourceOf(sum(1)));
    const handle = held.allocate("cache", "FP32", [1]);
    handle.dispose();
    handle.dispose();
    expect(() => touch(held, handle)).toThrow('Tensor "cache" is not of this lease');
    expect(add(held, 1)).toBe(2);
    expect(pool.stats()).toMatchObject({ crashes: 0, leases: [{ handles: 0, handleBytes: 0 }] });
  });

  test.each(uses.slice(1))("of another lease is refused when it is %s", async (_, touch) => {
    using held = await lease(pool, sourceOf(sum(1)));
    for (const source of [sourceOf(sum(1)), sourceOf(sum(2))]) {
      using other = await lease(pool, source);
      const handle = other.allocate("cache", "FP32", [1]);
      expect(() => touch(held, handle)).toThrow('Tensor "cache" is not of this lease');
    }
  });

  test.each(uses)("of a lease that was disposed is refused when it is %s", async (_, touch) => {
    const held = await lease(pool, sourceOf(sum(1)));
    const handle = held.allocate("cache", "FP32", [1]);
    held.dispose();
    held.dispose();
    expect(() => touch(held, handle)).toThrow('The lease of model "model" version 1 was disposed.');
    handle.dispose();
    expect(() => held.allocate("cache", "FP32", [1])).toThrow("was disposed");
    expect(() => held.model.describe()).toThrow("was disposed");
  });

  test.each(uses)("of a lease that has expired is refused when it is %s", async (_, touch) => {
    const held = await lease(pool, sourceOf(sum(1)), { lifetimeMs: 10 });
    const handle = held.allocate("cache", "FP32", [1]);
    clock.ms += 9;
    touch(held, handle);
    clock.ms += 1;
    expect(catchApiError("deadline_exceeded", () => touch(held, handle)).message).toBe(
      'The lease of model "model" version 1 has expired.',
    );
    handle.dispose();
    held.dispose();
  });

  test.each(uses)(
    "whose cell was lost to another model is refused when it is %s",
    async (_, touch) => {
      const pool = createPool(CELL_BYTES);
      const held = await lease(pool, sourceOf(sum(1)));
      const handle = held.allocate("cache", "FP32", [1]);
      await rejectedApiError("engine_crashed", crash(pool));
      catchApiError("engine_crashed", () => touch(held, handle));
      handle.dispose();
      held.dispose();
      expect(pool.stats()).toMatchObject({ crashes: 1, leases: [], usedBytes: 0 });
    },
  );

  /** -2^31 / -1 traps, in a cell that small models share. */
  function crash(pool: ModelRuntime): Promise<unknown> {
    return pool.use(sourceOf(quotient), ignore, (model) => model.run(divide, ["c"]));
  }
});

const divide = [
  { name: "a", datatype: "INT32", shape: [1], data: int32(INT32_MIN) },
  { name: "b", datatype: "INT32", shape: [1], data: int32(-1) },
] as const;

function int32(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

describe("a leased run", () => {
  test("that crashes ends the lease with its error, and the next one has a new engine", async () => {
    const pool = createPool(CELL_BYTES);
    const source = sourceOf(quotient);
    const held = await lease(pool, source);
    const handle = held.allocate("cache", "INT32", [1]);
    const error = catchApiError("engine_crashed", () => held.model.run(divide, ["c"]));
    expect(error.message).toContain("The engine crashed while it ran");
    catchApiError("engine_crashed", () => handle.read());
    expect(pool.stats()).toMatchObject({ crashes: 1, leases: [], cells: [] });
    using next = await lease(pool, source);
    expect(next.coldStart).toBe(true);
    const [a, b] = [
      { ...divide[0], data: int32(6) },
      { ...divide[1], data: int32(3) },
    ];
    expect(toNumbers(next.model.run([a, b], ["c"])[0])).toEqual([2]);
  });

  test("that exhausts the memory ends the lease, and costs no other cell", async () => {
    const pool = createPool(4 * CELL_BYTES);
    const large = largeSource(1);
    await use(pool, large);
    const held = await lease(pool, sourceOf(ones));
    const data = new Uint8Array(BigInt64Array.of(10_000n, 10_000n).buffer);
    const run = () => held.model.run([{ name: "s", datatype: "INT64", shape: [2], data }], ["c"]);
    catchApiError("out_of_memory", run);
    catchApiError("engine_crashed", run);
    expect(readyOf(pool, large)).toEqual([true]);
  });
});
