import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createCall } from "../../../../src/domain/call.ts";
import { Deadline } from "../../../../src/domain/deadline.ts";
import type { ModelRuntime } from "../../../../src/domain/ports.ts";
import { Trace } from "../../../../src/domain/trace.ts";
import { rejectedApiError } from "../../../support/errors.ts";
import { GENERATION_CASES, TOKEN_BYTES } from "../../../support/generation-fixtures.ts";
import {
  collect,
  createGenerationTask,
  type GenerationTask,
} from "../../../support/generation-task.ts";
import { CELL_BYTES, createPool } from "../../../support/runtime-pool.ts";
import { stubWorkersGlobals } from "../../../support/workers-globals.ts";

/** The memory and the time of a text: what is reserved, when it is freed, and when other calls run. */

let pool: ModelRuntime;
let growing: GenerationTask;
let inPlace: GenerationTask;

beforeAll(async () => {
  stubWorkersGlobals();
  pool = createPool(4 * CELL_BYTES);
  inPlace = await createGenerationTask(pool, "in-place");
  growing = await createGenerationTask(pool, "growing");
});
afterAll(() => void vi.unstubAllGlobals());

describe("the memory of a text", () => {
  test("is reserved before it begins, by its form and its tokens", async () => {
    const reserved: number[] = [];
    for (const task of [inPlace, growing]) {
      const { parts } = await task.stream({ inputs: "Once", parameters: { max_new_tokens: 10 } });
      const iterator = parts[Symbol.asyncIterator]();
      await iterator.next();
      reserved.push(...pool.stats().leases.map(({ reservedBytes }) => reservedBytes));
      expect(pool.stats().leases[0]?.handleBytes).toBeLessThanOrEqual(reserved.at(-1) ?? 0);
      await iterator.return?.();
    }
    expect(reserved).toEqual([14 * TOKEN_BYTES, 2 * 14 * TOKEN_BYTES]);
    expect(pool.stats().leases).toEqual([]);
  });

  test("is refused with its bytes when it cannot fit", async () => {
    const task = await createGenerationTask(createPool(CELL_BYTES), "in-place", {
      context: 131_072,
      maxNewTokens: 100,
    });
    const parameters = { max_new_tokens: 131_000 };
    const error = await rejectedApiError("out_of_memory", task.whole({ inputs: "a", parameters }));
    expect(error).toMatchObject({
      details: { neededBytes: expect.any(Number), availableBytes: expect.any(Number) },
    });
    await task.whole({ inputs: "a" });
  });

  test.each(["before its first part", "after its first part", "while a part is computed"])(
    "is freed when its client leaves %s",
    async (when) => {
      const { parts } = await inPlace.stream({ inputs: "Once" });
      const iterator = parts[Symbol.asyncIterator]();
      if (when === "after its first part") await iterator.next();
      const pending = when === "while a part is computed" ? iterator.next() : undefined;
      await iterator.return?.();
      await pending;
      expect(pool.stats().leases).toEqual([]);
      expect(await iterator.next()).toMatchObject({ done: true });
    },
  );

  test("is freed when a run fails", async () => {
    const task = await createGenerationTask(createPool(4 * CELL_BYTES), "in-place", {
      context: 500,
      maxNewTokens: 400,
    });
    // The table of positions has 128 of them.
    await rejectedApiError("inference_failed", task.whole({ inputs: "a" }));
    const { parts } = await task.stream({ inputs: "a" });
    await rejectedApiError("inference_failed", collect(parts));
    expect(pool.stats().leases).toEqual([]);
  });
});

test("a text ends with the token during which its client left, and with its deadline", async () => {
  const client = new AbortController();
  const call = createCall({ signal: client.signal });
  const { parts } = await inPlace.stream({ inputs: "Once" }, call);
  const iterator = parts[Symbol.asyncIterator]();
  await iterator.next();
  client.abort();
  await rejectedApiError("client_closed_request", iterator.next());
  expect(call.trace.generation).toMatchObject({ outputTokens: 1, finishReason: undefined });

  let elapsedMs = 0;
  const deadline = new Deadline({ timeoutMs: 100, now: () => elapsedMs });
  const yieldSlice = async () => {
    elapsedMs += 30;
  };
  const late = createCall({ deadline, yieldSlice });
  await rejectedApiError("deadline_exceeded", inPlace.whole({ inputs: "Once" }, late));
  expect(late.trace.generation?.outputTokens).toBe(4);
  expect(pool.stats().leases).toEqual([]);
});

test("other calls run after each token, and between two runs of a prompt", async () => {
  let yields = 0;
  const yieldSlice = async () => {
    yields += 1;
  };
  const call = createCall({ yieldSlice });
  const [, , , { prompt, ids }] = GENERATION_CASES as [
    never,
    never,
    never,
    (typeof GENERATION_CASES)[number],
  ];
  await inPlace.whole({ inputs: prompt, parameters: { max_new_tokens: 5 } }, call);
  expect(yields).toBe(Math.ceil(ids.length / 16) - 1 + 4);
});

test("other calls run between any two texts of a single token", async () => {
  let yields = 0;
  const call = createCall({
    yieldSlice: async () => {
      if (call.trace.generation?.outputTokens) yields += 1;
    },
  });
  const inputs = Array.from({ length: 48 }, () => "Once");
  await inPlace.whole({ inputs, parameters: { max_new_tokens: 1 } }, call);
  expect(yields).toBe(47);
});

test("the time to the first token and the rate of the others are in the trace", async () => {
  let ms = 0;
  const trace = new Trace(() => ms);
  // Before the first token a busy machine may yield too.
  const yieldSlice = async () => {
    if (trace.generation?.outputTokens) ms += 10;
  };
  const call = createCall({ trace, yieldSlice });
  ms = 5;
  await inPlace.whole({ inputs: "Once", parameters: { max_new_tokens: 5 } }, call);
  expect(trace.generation).toEqual({
    inputTokens: 4,
    cachedTokens: 0,
    outputTokens: 5,
    firstTokenMs: 5,
    lastTokenMs: 45,
    finishReason: "length",
  });
});
