import { expect, test } from "vitest";
import { NO_DIRECTIVES } from "../../../src/domain/cache-control.ts";
import { createCall } from "../../../src/domain/call.ts";
import type {
  CacheableRun,
  ModelHost,
  ModelTaskRequest,
  RunCached,
} from "../../../src/domain/model-host.ts";
import type { PublishedModel } from "../../../src/domain/published-model.ts";
import type { TaskResult } from "../../../src/domain/task.ts";
import type { Tensor } from "../../../src/domain/tensor.ts";
import { createRunTask, type RunTask } from "../../../src/inference/run-task.ts";
import { createManifest } from "../../support/cache-harness.ts";
import { rejectedApiError } from "../../support/errors.ts";
import { generationManifest } from "../../support/generation-fixtures.ts";
import { findModel } from "../../support/publish.ts";

const MODEL: PublishedModel = {
  name: "echo",
  version: "1",
  versions: ["1"],
  revision: "1",
  manifest: createManifest(),
};

const RUN: CacheableRun = {
  model: MODEL,
  outputs: [],
  key: async () => "key",
  run: async () => [],
};

/** The first run of a call is a miss, and all others are hits. */
function createRuns(): RunCached {
  let runs = 0;
  return async (_run, { trace }) => {
    runs += 1;
    trace.cache.outcome = runs === 1 ? "miss" : "hit";
    return [] as Tensor[];
  };
}

function createTested(
  host: Partial<ModelHost>,
  bypass?: "disabled" | "no-store",
  answered: TaskResult = { kind: "value", value: "cached", form: "one" },
): RunTask {
  return createRunTask(host as ModelHost, {
    runCached: createRuns(),
    answerCached: async () => answered,
    bypassOf: () => bypass,
  });
}

function runWith(
  execute: (infer: () => Promise<unknown>) => Promise<TaskResult>,
  bypass?: "disabled" | "no-store",
  onlyIfCached = false,
) {
  const host: Partial<ModelHost> = {
    execute: ({ runCached }: ModelTaskRequest, call) => execute(async () => runCached?.(RUN, call)),
  };
  const call = createCall({ cache: { ...NO_DIRECTIVES, onlyIfCached } });
  const runTask = createTested(host, bypass);
  return { call, result: runTask(MODEL, { inputs: 1, parameters: {} }, call) };
}

test("a prediction of several runs reports a miss when one of them was", async () => {
  const { call, result } = runWith(async (infer) => {
    await infer();
    await infer();
    return { kind: "value", value: 1, form: "one" };
  });
  await result;
  expect(call.trace.cache.outcome).toBe("miss");
});

test("a task that fails after several runs reports all of them", async () => {
  const { call, result } = runWith(async (infer) => {
    await infer();
    await infer();
    throw new Error("broken");
  });
  await expect(result).rejects.toThrow("broken");
  expect(call.trace.cache.outcome).toBe("miss");
});

test("a stream of a task that computes its result at once is refused", async () => {
  const runTask = createTested({});
  const { manifest } = findModel("iris-logistic");
  const model = { ...MODEL, manifest };
  const error = await rejectedApiError(
    "invalid_request",
    runTask(model, { inputs: 1, parameters: {}, stream: true }, createCall()),
  );
  expect(error.message).toMatch(/^"stream" must be false or left out: results of iris-logistic/);
});

const TEXT_MODEL: PublishedModel = { ...MODEL, manifest: generationManifest("in-place") };

test("a text that its request determines is taken from the cache, or generated for it", async () => {
  const runTask = createTested({});
  for (const parameters of [{}, { do_sample: true, seed: 7 }, { temperature: 2, seed: 0 }]) {
    const result = await runTask(TEXT_MODEL, { inputs: "a", parameters }, createCall());
    expect(result).toMatchObject({ value: "cached" });
  }
});

test.each([
  { name: "a text that is drawn", reason: "drawn", parameters: { do_sample: true } },
  {
    name: "a text that is drawn at a temperature",
    reason: "drawn",
    parameters: { temperature: 2 },
  },
  { name: "a text", reason: "no-store", parameters: {}, bypass: "no-store" as const },
])("$name is not taken from the cache: $reason", async ({ parameters, reason, bypass }) => {
  const requests: ModelTaskRequest[] = [];
  const host: Partial<ModelHost> = {
    async execute(request) {
      requests.push(request);
      return { kind: "value", value: "generated", form: "one" };
    },
  };
  const runTask = createTested(host, bypass);
  const call = createCall();
  const result = await runTask(TEXT_MODEL, { inputs: "a", parameters }, call);
  expect(result).toMatchObject({ value: "generated" });
  expect(requests).toEqual([{ inputs: "a", parameters, model: TEXT_MODEL }]);
  expect(call.trace.cache).toMatchObject({ outcome: "bypass", reason });
  const cache = { ...NO_DIRECTIVES, onlyIfCached: true };
  const refused = runTask(TEXT_MODEL, { inputs: "a", parameters }, createCall({ cache }));
  expect((await rejectedApiError("not_cached", refused)).message).toContain(`none: ${reason}.`);
});

test("a stream reports all of its runs when it has ended", async () => {
  const { call, result } = runWith(async (infer) => ({
    kind: "stream",
    parts: (async function* () {
      yield await infer();
      yield await infer();
    })(),
  }));
  const stream = await result;
  if (stream.kind !== "stream") throw new Error("not a stream");
  let parts = 0;
  for await (const _ of stream.parts) parts++;
  expect(parts).toBe(2);
  expect(call.trace.cache.outcome).toBe("miss");
});

test("a stream whose client leaves before its first part ends the parts of the task", async () => {
  let ended = 0;
  const { result } = runWith(async () => ({
    kind: "stream",
    parts: {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(new Error("nothing is computed")),
        return: async () => {
          ended += 1;
          return { done: true, value: undefined };
        },
      }),
    },
  }));
  const stream = await result;
  if (stream.kind !== "stream") throw new Error("not a stream");
  await stream.parts[Symbol.asyncIterator]().return?.();
  expect(ended).toBe(1);
});

test("a task whose runs do not use the cache gets nothing of it, and reports why", async () => {
  const runs: unknown[] = [];
  const { call, result } = runWith(async (infer) => {
    runs.push(await infer());
    call.trace.measure("infer", () => undefined);
    return { kind: "value", value: 1, form: "one" };
  }, "no-store");
  await result;
  expect(runs).toEqual([undefined]);
  expect(call.trace.cache).toMatchObject({ outcome: "bypass", reason: "no-store" });
});

test("a task that runs nothing reports nothing of the cache", async () => {
  const { call, result } = runWith(
    async () => ({ kind: "value", value: 1, form: "one" }),
    "disabled",
  );
  await result;
  expect(call.trace.cache).toMatchObject({ outcome: undefined, reason: undefined });
});

test("a request for cached responses only is decided at the first run, without the cache as well", async () => {
  const { call, result } = runWith(
    async (infer) => {
      await infer();
      return { kind: "value", value: 1, form: "one" };
    },
    "disabled",
    true,
  );
  await result;
  expect(call.trace.cache.outcome).toBe("miss");
});
