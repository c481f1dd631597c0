import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ApiError } from "../../../src/domain/errors.ts";
import type { LoadedModel, ModelRuntime, ModelSource } from "../../../src/domain/ports.ts";
import type { Tensor } from "../../../src/domain/tensor.ts";
import { ENGINE_BYTES } from "../../../src/runtime/cell.ts";
import { createModelPool } from "../../../src/runtime/model-pool.ts";
import { sum } from "../../support/awkward-models.ts";
import { rejectedApiError } from "../../support/errors.ts";
import { buildOnnx } from "../../support/onnx-builder.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/**
 * The pool in Node, with the package's own wasm, for what cannot be provoked in workerd: the
 * platform cuts off the request that began a load, and its promises never settle.
 */

const CELL_BYTES = 16_777_216;
/** Too large to share a cell, which need not grow for it. */
const LARGE_MODEL_BYTES = 6_000_000;
const TIMEOUT_MS = 20;

beforeAll(stubWorkersGlobals);
afterAll(() => void vi.unstubAllGlobals());

/** A source that counts how often it is opened. */
class CountedSource implements ModelSource {
  readonly id = { name: "model", version: "1" };
  readonly format = "onnx";
  readonly prepack = true;
  readonly heapBytes: number | undefined = undefined;
  readonly sizeBytes: number;
  readonly sha256: string;
  opened = 0;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #body: (bytes: Uint8Array<ArrayBuffer>, time: number) => ReadableStream<Uint8Array>;

  /** @param body what storage gives, at the first, second, ... time */
  constructor(
    bias: number,
    body: (bytes: Uint8Array<ArrayBuffer>, time: number) => ReadableStream<Uint8Array> = whole,
  ) {
    this.#bytes = buildOnnx(sum(bias));
    this.#body = body;
    this.sizeBytes = this.#bytes.length;
    this.sha256 = createHash("sha256").update(this.#bytes).digest("hex");
  }

  async open() {
    this.opened += 1;
    return { sizeBytes: this.sizeBytes, body: this.#body(this.#bytes, this.opened) };
  }

  async prepare(): Promise<void> {}
}

function whole(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array> {
  return new Blob([bytes]).stream();
}

/** A stream whose request was cut off. */
function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream();
}

const ignore = (): void => {};

function addTo(value: number): (model: LoadedModel) => number {
  const data = new Uint8Array(Float32Array.of(value).buffer);
  const input: Tensor = { name: "x", datatype: "FP32", shape: [1], data };
  return (model) => {
    const [output] = model.run([input], ["y"]);
    if (output?.datatype !== "FP32") throw new Error("the model has no output");
    return new DataView(output.data.buffer).getFloat32(0, true);
  };
}

function use(pool: ModelRuntime, source: ModelSource, value: number): Promise<number> {
  return pool.use(source, ignore, addTo(value));
}

test("however many callers wait, storage is opened once", async () => {
  const pool = createModelPool({ budgetBytes: CELL_BYTES });
  const source = new CountedSource(10);
  const values = Array.from({ length: 100 }, (_, index) => index);
  const results = await Promise.all(values.map((value) => use(pool, source, value)));
  expect(results).toEqual(values.map((value) => value + 10));
  expect(source.opened).toBe(1);
  expect(pool.stats()).toMatchObject({ loads: 1 });
});

test("a failed load fails for all callers, and the next caller opens storage again", async () => {
  const pool = createModelPool({ budgetBytes: CELL_BYTES });
  const source = new CountedSource(1, (bytes, time) => {
    if (time > 1) return whole(bytes);
    return whole(bytes.map((byte) => byte ^ 1));
  });
  const waiting = Array.from({ length: 20 }, () => use(pool, source, 1));
  for (const result of waiting) await rejectedApiError("model_corrupt", result);
  expect(source.opened).toBe(1);
  expect(pool.state(source.sha256)).toMatchObject({ state: "failed" });
  expect(await use(pool, source, 1)).toBe(2);
  expect(source.opened).toBe(2);
  expect(pool.state(source.sha256)).toEqual({ state: "ready" });
});

test("a stream that breaks is a failure of storage", async () => {
  const pool = createModelPool({ budgetBytes: CELL_BYTES });
  const source = new CountedSource(1, (bytes, time) =>
    time > 1
      ? whole(bytes)
      : new ReadableStream({ pull: (controller) => controller.error(new Error("reset")) }),
  );
  const error = await rejectedApiError("storage_failed", use(pool, source, 1));
  expect(error.cause).toMatchObject({ message: "reset" });
  expect(pool.stats()).toMatchObject({ cells: [], usedBytes: 0 });
  expect(await use(pool, source, 1)).toBe(2);
});

test("a caller that waited too long for a load that was cut off begins a new one", async () => {
  const pool = createModelPool({ budgetBytes: 2 * CELL_BYTES, loadTimeoutMs: TIMEOUT_MS });
  const source = new CountedSource(5, (bytes, time) => (time > 1 ? whole(bytes) : endless()));
  void use(pool, source, 0);
  const results = [1, 2, 3].map((value) => use(pool, source, value));
  expect(await Promise.all(results)).toEqual([6, 7, 8]);
  expect(source.opened).toBe(2);
  expect(pool.stats()).toMatchObject({ usedBytes: CELL_BYTES, cells: [{ models: [{}] }] });
});

test("memory held by a load that was cut off is available to the next load", async () => {
  const pool = createModelPool({ budgetBytes: CELL_BYTES, loadTimeoutMs: TIMEOUT_MS });
  class Large extends CountedSource {
    override readonly heapBytes = LARGE_MODEL_BYTES;
  }
  const lost = new Large(1, endless);
  void use(pool, lost, 0);
  const source = new Large(2);
  expect(await use(pool, source, 1)).toBe(3);
  expect(pool.stats()).toMatchObject({ loads: 2, usedBytes: CELL_BYTES });
  expect(pool.state(lost.sha256)).toEqual({ state: "absent" });
});

test("recycling a small cell for a larger model stays within the budget", async () => {
  class Needing extends CountedSource {
    override readonly heapBytes: number;
    usedBytes = 0;

    constructor(bias: number, heapBytes: number) {
      super(bias);
      this.heapBytes = heapBytes;
    }

    /** The cell is allocated by now, and its memory has not grown yet. */
    override open() {
      this.usedBytes = pool.stats().usedBytes;
      return super.open();
    }
  }
  const pool = createModelPool({ budgetBytes: 3 * CELL_BYTES });
  const [first, second, third] = [1, 2, 3].map((bias) => new Needing(bias, LARGE_MODEL_BYTES));
  const large = new Needing(4, 14_000_000);
  for (const source of [first, second, third, large] as Needing[]) await use(pool, source, 0);
  // The engine, the model's heap, and the one cell that is left beside it.
  expect(large.usedBytes).toBe(ENGINE_BYTES + 14_000_000 + CELL_BYTES);
  expect(pool.stats()).toMatchObject({ evictions: 2, loads: 4 });
  expect(pool.state(third?.sha256 ?? "")).toEqual({ state: "ready" });
  expect(await use(pool, large, 1)).toBe(5);
});

test("a model that is too large is refused before storage is opened", async () => {
  const pool = createModelPool({ budgetBytes: CELL_BYTES });
  class TooLarge extends CountedSource {
    override readonly heapBytes = CELL_BYTES;
  }
  const source = new TooLarge(1);
  const error = await rejectedApiError("model_too_large", use(pool, source, 1));
  expect(error).toBeInstanceOf(ApiError);
  expect(error.details).toMatchObject({
    neededBytes: CELL_BYTES + ENGINE_BYTES,
    budgetBytes: CELL_BYTES,
  });
  expect(source.opened).toBe(0);
});

describe("the memory of a consumer", () => {
  const BUDGET = 3 * CELL_BYTES;

  /** A pool with two models of cells of their own, the second used last. */
  async function fill(other: { memoryBytes: number; released: number }) {
    const pool = createModelPool({ budgetBytes: BUDGET });
    pool.register({
      get memoryBytes() {
        return other.memoryBytes;
      },
      release() {
        other.released += 1;
        other.memoryBytes = 0;
      },
    });
    const [first, second] = [new LargeSource(1), new LargeSource(2)];
    expect(await use(pool, first, 1)).toBe(2);
    expect(await use(pool, second, 1)).toBe(3);
    // A load ends when those who waited for it have used the model.
    await new Promise((resume) => setImmediate(resume));
    return { pool, first, second };
  }

  class LargeSource extends CountedSource {
    override readonly heapBytes = LARGE_MODEL_BYTES;
  }

  test("counts in the budget, and evicts idle models, the least recently used first", async () => {
    const other = { memoryBytes: 0, released: 0 };
    const { pool, first, second } = await fill(other);
    pool.reserve(CELL_BYTES);
    expect(pool.stats().cells).toHaveLength(2);
    pool.reserve(CELL_BYTES + 1);
    expect([pool.state(first.sha256), pool.state(second.sha256)]).toMatchObject([
      { state: "absent" },
      { state: "ready" },
    ]);
    other.memoryBytes = CELL_BYTES + 1;
    expect(pool.stats().usedBytes).toBe(2 * CELL_BYTES + 1);
    pool.reserve(BUDGET);
    expect(pool.stats()).toMatchObject({ cells: [], usedBytes: CELL_BYTES + 1 });
    expect(other.released).toBe(0);
  });

  test("is released when a model needs it, before another model is evicted", async () => {
    const other = { memoryBytes: 0, released: 0 };
    const { pool, first } = await fill(other);
    pool.unload(first.sha256);
    other.memoryBytes = CELL_BYTES + 1;
    expect(await use(pool, first, 5)).toBe(6);
    expect(other).toEqual({ memoryBytes: 0, released: 1 });
    expect(pool.stats()).toMatchObject({ usedBytes: 2 * CELL_BYTES, cells: [{}, {}] });
  });
});
