import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { LoadedModel, ModelSource } from "../../../src/domain/ports.ts";
import { OrtInstance } from "../../../src/runtime/ort-instance.ts";
import { additions, constantPowers, sum } from "../../support/awkward-models.ts";
import { floats, toNumbers } from "../../support/cache-runs.ts";
import { cutOff, cutOffPromises } from "../../support/cut-off.ts";
import {
  addUp,
  CELL_BYTES,
  clock,
  createPool,
  endLoads,
  FOREVER,
  ignore,
  largeSource,
  sourceOf,
  use,
} from "../../support/runtime-pool.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/**
 * The platform terminates a request while it loads a model, and the isolate goes on. V8 does the same to
 * the work of these tests, with the real engine.
 */

beforeAll(stubWorkersGlobals);
afterAll(() => void vi.unstubAllGlobals());

describe("a load that is cut off", () => {
  /** Opens it as `open` says, at the first time. */
  function first(source: ModelSource, open: ModelSource["open"]): ModelSource {
    let times = 0;
    return { ...source, open: () => (times++ === 0 ? open() : source.open()) };
  }

  test("while it creates the session is begun again for those that wait, and for its cell's other models", async () => {
    const pool = createPool(6 * CELL_BYTES);
    const model = sourceOf(constantPowers(4));
    const arrived = Promise.withResolvers<void>();
    let endBody = (): void => {};
    const source = first(model, async () => {
      const { sizeBytes, body } = await model.open();
      const [bytes] = await Array.fromAsync(body);
      const held = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(bytes);
          endBody = () => controller.close();
        },
        pull: () => arrived.resolve(),
      });
      return { sizeBytes, body: held };
    });
    const read = (loaded: LoadedModel): number[] => {
      const [y] = loaded.run([], ["y"]);
      return y ? toNumbers(y) : [];
    };
    void pool.use(source, ignore, read);
    const waiting = pool.use(source, ignore, read);
    await arrived.promise;
    await endLoads();
    await cutOffPromises(() => endBody(), 250);
    expect(pool.state(source.sha256)).toEqual({ state: "absent" });
    expect(pool.stats()).toMatchObject({ crashes: 1, loads: 1, cells: [], usedBytes: 0 });
    expect(await use(pool, sourceOf(sum(1)), 1)).toBe(2);
    expect(await waiting).toEqual([1 / 1024]);
    await endLoads();
    expect(pool.stats()).toMatchObject({ crashes: 1, cells: [{ models: [{}, {}] }] });
  });

  test("by a run of another model in its cell is begun again for all that wait", async () => {
    const pool = createPool(2 * CELL_BYTES);
    const endless = sourceOf(additions);
    expect(await pool.use(endless, ignore, addUp(2n))).toBe(2);
    const model = sourceOf(sum(1));
    const resume = Promise.withResolvers<void>();
    const opened = vi.fn(async () => {
      const { sizeBytes, body } = await model.open();
      const late = new TransformStream<Uint8Array, Uint8Array>({ start: () => resume.promise });
      return { sizeBytes, body: body.pipeThrough(late) };
    });
    const source = first(model, opened);
    const kept: Promise<unknown>[] = [];
    const started = pool.use(
      source,
      (load) => void kept.push(load),
      (loaded) => loaded.run([floats("x", [1], [0])], ["y"]).flatMap(toNumbers),
    );
    const waiting = [started, use(pool, source, 2)];
    await vi.waitFor(() => expect(opened).toHaveBeenCalled());
    cutOff(() => void pool.use(endless, ignore, addUp(FOREVER)));
    expect(pool.stats()).toMatchObject({ crashes: 1, cells: [] });
    expect(await Promise.all(waiting)).toEqual([[1], 3]);
    // The load that goes on in the cell that was dropped ends without effect.
    resume.resolve();
    await kept[0];
    expect(pool.stats()).toMatchObject({ crashes: 1, loads: 3, usedBytes: CELL_BYTES });
    expect(await use(pool, source, 3)).toBe(4);
  });

  test("while its model is prepared is noticed by those that wait, though nothing else is asked", async () => {
    const pool = createPool(CELL_BYTES);
    let times = 0;
    const ended = Promise.withResolvers<void>();
    const source: ModelSource = {
      ...sourceOf(additions),
      prepare(loaded) {
        if (times++ > 0) return Promise.resolve();
        cutOff(() => void addUp(FOREVER)(loaded));
        ended.resolve();
        return new Promise(() => {});
      },
    };
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      void pool.use(source, ignore, addUp(1n));
      const waiting = [2n, 3n].map((value) => pool.use(source, ignore, addUp(value)));
      await ended.promise;
      await vi.advanceTimersByTimeAsync(1000);
      expect(await Promise.all(waiting)).toEqual([2, 3]);
    } finally {
      vi.useRealTimers();
    }
    expect(pool.stats()).toMatchObject({ crashes: 1, loads: 2, usedBytes: CELL_BYTES });
  });

  test("between two calls into the engine holds memory for two timeouts", async () => {
    const timeoutMs = 20;
    const pool = createPool(2 * CELL_BYTES, timeoutMs);
    const lost: ModelSource = { ...largeSource(1), prepare: () => new Promise(() => {}) };
    void pool.use(lost, ignore, () => {});
    const other = largeSource(2);
    expect(await use(pool, other, 1)).toBe(3);
    expect(pool.stats()).toMatchObject({ usedBytes: 2 * CELL_BYTES });
    clock.ms += 2 * timeoutMs;
    expect(await use(pool, other, 1)).toBe(3);
    expect(pool.stats()).toMatchObject({ crashes: 0, usedBytes: CELL_BYTES });
    expect(pool.state(lost.sha256)).toEqual({ state: "absent" });
  });

  test("while its engine starts costs the cell, and the next models get a new one", async () => {
    const pool = createPool(CELL_BYTES);
    const create = vi.spyOn(OrtInstance, "create").mockReturnValueOnce(new Promise(() => {}));
    void use(pool, sourceOf(sum(1)));
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const waiting = use(pool, sourceOf(sum(2)), 1);
      await vi.advanceTimersByTimeAsync(2000);
      expect(await waiting).toBe(3);
    } finally {
      vi.useRealTimers();
      create.mockRestore();
    }
    expect(pool.stats()).toMatchObject({ usedBytes: CELL_BYTES, cells: [{ models: [{}] }] });
  });
});
