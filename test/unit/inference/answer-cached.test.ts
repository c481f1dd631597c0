import { describe, expect, test } from "vitest";
import { ApiError } from "../../../src/domain/errors.ts";
import {
  createAnswerHarness,
  type Generation,
  iteratorOf,
  partsOf,
} from "../../support/answer-harness.ts";
import { createMemoryTier } from "../../support/cache-harness.ts";
import { rejectedApiError } from "../../support/errors.ts";
import { poll } from "../../support/poll.ts";

const PARTS = ["x", "y", "z"];

async function generation(generations: readonly Generation[], index = 0): Promise<Generation> {
  return poll("a generation", async () => generations[index]);
}

function finish(generated: Generation, parts: readonly unknown[] = PARTS): void {
  generated.give(...parts);
  generated.end();
}

describe.each([
  [true, false],
  [false, true],
  [true, true],
  [false, false],
])("an answer that was streamed: %s", (first, second) => {
  test(`is a hit for the same request, streamed: ${second}`, async () => {
    const { request, generations } = createAnswerHarness();
    const computed = request({ stream: first });
    finish(await generation(generations));
    expect(await partsOf(computed.result)).toEqual(PARTS);
    expect(computed.call.trace.cache).toMatchObject({
      outcome: "miss",
      reason: "absent",
      stored: true,
      collapsed: false,
    });
    const hit = request({ stream: second });
    expect(await partsOf(hit.result)).toEqual(PARTS);
    expect(hit.call.trace.cache).toMatchObject({ outcome: "hit", tier: "isolate" });
    expect(hit.call.trace.generation).toMatchObject({ inputTokens: 3, outputTokens: 3 });
    expect(generations).toHaveLength(1);
  });
});

test("an answer is a hit in a remote tier, for its request and for those that wait with it", async () => {
  const kv = createMemoryTier("kv");
  const writer = createAnswerHarness({ tiers: [kv] });
  const computed = writer.request({ stream: true });
  finish(await generation(writer.generations));
  await partsOf(computed.result);
  await Promise.all(writer.pending);
  await poll("a write", async () => kv.values.size > 0 || undefined);
  const reader = createAnswerHarness({ tiers: [kv] });
  const requests = [reader.request({ stream: true }), reader.request(), reader.request()];
  for (const { result, call } of requests) {
    expect(await partsOf(result)).toEqual(PARTS);
    expect(call.trace.cache).toMatchObject({ outcome: "hit", tier: "kv", collapsed: false });
    expect(call.trace.generation).toMatchObject({ inputTokens: 3, outputTokens: 3 });
  }
  expect(reader.generations).toEqual([]);
});

test.each([
  ["another request", { inputs: "b" }],
  [
    "another client, by scope",
    { client: "other", manifest: { cache: { enabled: true, ttlSeconds: 60, scope: "key" } } },
  ],
  [
    "other blocks' files",
    {
      manifest: {
        files: [
          { path: "model.onnx", sha256: "a".repeat(64), sizeBytes: 1 },
          { path: "tokenizer.json", sha256: "b".repeat(64), sizeBytes: 1 },
        ],
      },
    },
  ],
  ["no-cache", { control: "no-cache" }],
  ["an age of zero", { control: "max-age=0" }],
])("an answer is generated anew for %s", async (_, options) => {
  const { request, generations } = createAnswerHarness();
  const shared = "manifest" in options ? { manifest: options.manifest } : {};
  const ofFirst = "client" in options ? { ...shared, client: "one" } : {};
  const first = request(ofFirst);
  finish(await generation(generations));
  await partsOf(first.result);
  await new Promise((resolve) => setTimeout(resolve, 5));
  const second = request(options);
  finish(await generation(generations, 1), ["other"]);
  expect(await partsOf(second.result)).toEqual(["other"]);
});

test("what is requested from the cache alone is generated never", async () => {
  const { request, generations } = createAnswerHarness();
  const control = "only-if-cached";
  await rejectedApiError("not_cached", partsOf(request({ control }).result));
  const first = request();
  finish(await generation(generations));
  await partsOf(first.result);
  expect(await partsOf(request({ control, stream: true }).result)).toEqual(PARTS);
  expect(generations).toHaveLength(1);
});

describe("identical requests at once", () => {
  test("get the parts of one generation as they come", async () => {
    const { request, generations } = createAnswerHarness();
    const first = request({ stream: true });
    const generated = await generation(generations);
    generated.give("x");
    const second = request({ stream: true });
    const whole = request();
    const own = await iteratorOf(first.result);
    const joined = await iteratorOf(second.result);
    expect(await joined.next()).toEqual({ done: false, value: "x" });
    expect(await own.next()).toEqual({ done: false, value: "x" });
    generated.give("y");
    expect(await joined.next()).toEqual({ done: false, value: "y" });
    await poll("a joined request", async () => whole.call.trace.cache.collapsed || undefined);
    generated.end();
    expect(await joined.next()).toEqual({ done: true, value: undefined });
    expect(await own.next()).toEqual({ done: false, value: "y" });
    expect(await partsOf(whole.result)).toEqual(["x", "y"]);
    expect(generations).toHaveLength(1);
    for (const { call } of [second, whole]) {
      expect(call.trace.cache).toMatchObject({ outcome: "miss", collapsed: true });
      expect(call.trace.generation).toMatchObject({ inputTokens: 3, outputTokens: 2 });
    }
  });

  test("that wait for a whole answer get it", async () => {
    const { request, generations } = createAnswerHarness();
    const requests = [request(), request({ stream: true }), request()];
    finish(await generation(generations));
    for (const { result } of requests) expect(await partsOf(result)).toEqual(PARTS);
    expect(generations).toHaveLength(1);
  });

  test("are answered when the client of the first one leaves", async () => {
    for (const stream of [true, false]) {
      const { request, generations } = createAnswerHarness();
      const first = request({ stream });
      const generated = await generation(generations);
      generated.give("x");
      const second = request({ stream: true });
      const joined = stream ? await iteratorOf(second.result) : undefined;
      first.leave();
      if (stream) await (await iteratorOf(first.result)).return?.();
      finish(generated, ["y"]);
      const rest = joined
        ? [await joined.next(), await joined.next()]
        : await partsOf(second.result);
      expect(JSON.stringify(rest)).toMatch(/x.*y/);
      if (!stream) await rejectedApiError("client_closed_request", first.result);
      expect(generated).toMatchObject({ returned: 0 });
      expect(await partsOf(request().result)).toEqual(["x", "y"]);
    }
  });

  test.each(["before it begins", "after its first part"])(
    "end their generation when all of their clients have left %s",
    async (when) => {
      const { request, generations } = createAnswerHarness();
      const requests = [request({ stream: when !== "before it begins" }), request(), request()];
      const generated = await generation(generations);
      generated.give("x");
      for (const { leave } of requests) leave();
      generated.end();
      for (const { result } of requests)
        await rejectedApiError("client_closed_request", partsOf(result));
      expect(generated.call.signal.aborted).toBe(true);
      expect(generations).toHaveLength(1);
    },
  );

  test("of a client that has left before it begins, nothing is generated", async () => {
    const { request, generations } = createAnswerHarness();
    const first = request();
    first.leave();
    await rejectedApiError("client_closed_request", first.result);
    expect(generations).toHaveLength(0);
  });

  test("are answered when the first one fails, with the rest of their own generation", async () => {
    const { request, generations } = createAnswerHarness();
    const first = request({ stream: true });
    const generated = await generation(generations);
    generated.give("x");
    const second = request({ stream: true });
    const joined = await iteratorOf(second.result);
    expect(await joined.next()).toEqual({ done: false, value: "x" });
    generated.fail(new ApiError("deadline_exceeded", "too late"));
    await rejectedApiError("deadline_exceeded", partsOf(first.result));
    const rest = joined.next();
    finish(await generation(generations, 1));
    expect(await rest).toEqual({ done: false, value: "y" });
    expect(second.call.trace.cache).toMatchObject({ collapsed: false });
  });

  test("begin their own when the first one cannot begin", async () => {
    const { request, generations } = createAnswerHarness();
    const begun = Promise.withResolvers<void>();
    const failed = Promise.withResolvers<never>();
    const execute = (): Promise<never> => {
      begun.resolve();
      return failed.promise;
    };
    const first = request({ stream: true, execute });
    // Keys are hashed in any order: the second request is not to be the first one.
    await begun.promise;
    const second = request({ stream: true });
    failed.reject(new ApiError("overloaded", "full"));
    finish(await generation(generations));
    await rejectedApiError("overloaded", first.result);
    expect(await partsOf(second.result)).toEqual(PARTS);
  });

  test("wait no longer than their deadline", async () => {
    const { request, generations } = createAnswerHarness();
    request({ stream: true });
    const generated = await generation(generations);
    const second = request({ timeoutMs: 30 });
    await rejectedApiError("deadline_exceeded", second.result);
    generated.end();
  });

  test("generate themselves when the first one does not go on", async () => {
    const { request, generations } = createAnswerHarness({ maxWaitMs: 20 });
    const first = request({ stream: true });
    await generation(generations);
    const second = request();
    finish(await generation(generations, 1));
    expect(await partsOf(second.result)).toEqual(PARTS);
    first.leave();
  });
});

test("an answer whose client leaves ends at once, and is not stored", async () => {
  const { request, generations } = createAnswerHarness();
  const first = request({ stream: true });
  const generated = await generation(generations);
  generated.give("x");
  const parts = await iteratorOf(first.result);
  await parts.next();
  first.leave();
  await parts.return?.();
  expect(generated).toMatchObject({ returned: 1 });
  expect(generated.call.signal.aborted).toBe(true);
  const second = request({ stream: true });
  finish(await generation(generations, 1));
  expect(await partsOf(second.result)).toEqual(PARTS);
  expect(second.call.trace.cache).toMatchObject({ outcome: "miss", reason: "absent" });
});

test("an answer that fails in the middle is not stored", async () => {
  const { request, generations } = createAnswerHarness();
  const first = request({ stream: true });
  const generated = await generation(generations);
  generated.give("x");
  generated.fail(new ApiError("engine_crashed", "gone"));
  await rejectedApiError("engine_crashed", partsOf(first.result));
  expect(first.call.trace.cache).toMatchObject({ outcome: "miss", stored: false });
  const control = "only-if-cached";
  await rejectedApiError("not_cached", request({ control }).result);
});

test("of an answer that is too large, no more is kept than its client has not read", async () => {
  const { request, generations } = createAnswerHarness({ maxEntryBytes: 100 });
  const first = request({ stream: true });
  const generated = await generation(generations);
  const large = "x".repeat(60);
  generated.give(large, large, large, large);
  generated.end();
  const parts = await iteratorOf(first.result);
  await poll("two parts", async () => generated.pulled >= 2 || undefined);
  await new Promise((resolve) => setTimeout(resolve, 20));
  // Two are more than an entry may have: the third waits until they have been read.
  expect(generated.pulled).toBe(2);
  expect(await Array.fromAsync({ [Symbol.asyncIterator]: () => parts })).toHaveLength(4);
  const second = request({ stream: true });
  finish(await generation(generations, 1));
  await partsOf(second.result);
  expect(second.call.trace.cache).toMatchObject({ reason: "absent" });
});

test("a purge during the generation applies to the answer", async () => {
  const { request, generations, store } = createAnswerHarness();
  const first = request();
  const generated = await generation(generations);
  await store.purge({ model: "echo" });
  finish(generated);
  await partsOf(first.result);
  const second = request();
  finish(await generation(generations, 1), ["again"]);
  expect(await partsOf(second.result)).toEqual(["again"]);
});

test("tokens kept of another prompt are told to the request that generates, and to no other", async () => {
  const { request, generations } = createAnswerHarness();
  const first = request({ stream: true });
  const generated = await generation(generations);
  const { trace } = generated.call;
  if (trace.generation) trace.generation = { ...trace.generation, cachedTokens: 2 };
  const kept = { details: "kept" };
  generated.give(kept);
  const second = request({ stream: true });
  await poll("a joined request", async () => second.call.trace.cache.collapsed || undefined);
  generated.end();
  expect(await partsOf(first.result)).toEqual([kept]);
  expect(first.call.trace.generation).toMatchObject({ cachedTokens: 2 });
  const hit = request();
  await second.result;
  for (const { result, call } of [second, hit]) {
    expect(await partsOf(result)).toEqual([{ details: "shared" }]);
    expect(call.trace.generation).toMatchObject({ inputTokens: 3, cachedTokens: 0 });
  }
});
