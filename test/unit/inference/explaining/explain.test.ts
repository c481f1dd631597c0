import { expect, test } from "vitest";
import { ApiError } from "../../../../src/domain/errors.ts";
import type { ExplanationMethod } from "../../../../src/explain/method.ts";
import { partsOf } from "../../../support/answer-harness.ts";
import { countingMethod, createExplainerHarness } from "../../../support/explainer.ts";
import { poll } from "../../../support/poll.ts";

const ONE = countingMethod("one", 3);
const TEXT = countingMethod("text", 2, { suits: (input) => typeof input === "string" });
const WHOLE = countingMethod("whole", 5, { isGlobal: true, suits: () => false });

function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => "no failure",
    (error: unknown) => error,
  );
}

test("the first method that suits an input explains it, and its parameters have their defaults", async () => {
  const { request, runs } = createExplainerHarness([TEXT, ONE]);
  const { call, result } = request({ parameters: { seed: 7, output: "b" } });
  expect(await partsOf(result)).toEqual({
    method: "text",
    exact: true,
    space: "output",
    runs: 2,
    asked: {
      inputs: "a",
      output: "b",
      seed: 7,
      limit: 100,
      parameters: { text_step: 1 },
    },
  });
  expect(runs).toEqual([1, 1]);
  const { trace } = call;
  expect(trace.explanation).toEqual({ method: "text", exact: true, space: "output", runs: 2 });
  expect(trace.statistics ?? trace.gathered ?? trace.generation).toBeUndefined();
});

test("a list is explained input by input, with one budget for all", async () => {
  const { request, runs } = createExplainerHarness([ONE], { maxRuns: 10 });
  const explained = await partsOf(request({ inputs: ["a", "b", "c"] }).result);
  expect(explained).toMatchObject([
    { asked: { inputs: "a", limit: 3 } },
    { asked: { inputs: "b", limit: 3 } },
    { asked: { inputs: "c", limit: 3 } },
  ]);
  expect(runs).toHaveLength(9);
  const refused = await failureOf(request({ inputs: ["a", "b", "c", "d"] }).result);
  expect(refused).toMatchObject({
    code: "invalid_request",
    details: { field: "max_runs", runs: 12, limit: 10 },
  });
  expect(runs).toHaveLength(9);
});

test("a global method gets a list whole", async () => {
  const { request } = createExplainerHarness([ONE, WHOLE]);
  const whole = request({ inputs: ["a", "b"], parameters: { method: "whole" } });
  expect(await partsOf(whole.result)).toMatchObject({
    method: "whole",
    asked: { inputs: ["a", "b"], limit: 100 },
  });
});

test("the same explanation is cached, whatever it looks like, and runs nothing", async () => {
  const { request, runs } = createExplainerHarness([ONE]);
  const made = await partsOf(request().result);
  const chart = request({ parameters: { chart: "force", max_display: 3, method: "auto" } });
  expect(await partsOf(chart.result)).toEqual(made);
  expect(chart.call.trace.cache).toMatchObject({ outcome: "hit", tier: "isolate" });
  expect(chart.call.trace.explanation).toMatchObject({ method: "one", runs: 0 });
  const streamed = request({ stream: true });
  expect(await partsOf(streamed.result)).toEqual([{ event: "result", data: made }]);
  expect(runs).toHaveLength(3);
});

test.each([
  ["another input", { inputs: "b" }],
  ["another seed", { parameters: { seed: 1 } }],
  ["another output", { parameters: { output: 0 } }],
  ["the method by its name", { parameters: { method: "one" } }],
  ["a parameter of the method", { parameters: { one_step: 2 } }],
  ["rows of its own as background", { parameters: { background: ["x"] } }],
])("a request with %s is another explanation", async (_, options) => {
  const { request, runs } = createExplainerHarness([ONE]);
  await request().result;
  await request(options).result;
  expect(runs).toHaveLength(6);
});

test("an explanation is made again when the background of the version is another one", async () => {
  const harness = createExplainerHarness([ONE]);
  await harness.request().result;
  harness.background = { inputs: ["x"], digest: "1" };
  expect(await partsOf(harness.request().result)).toMatchObject({ asked: { kept: ["x"] } });
  expect(harness.runs).toHaveLength(6);
  await harness.request().result;
  expect(harness.runs).toHaveLength(6);
});

test("identical requests at the same time are explained once, and others go on when one leaves", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const method = countingMethod("slow", 3, { onRun: () => promise });
  const { request, runs } = createExplainerHarness([method]);
  const leaving = new AbortController();
  const first = request({ signal: leaving.signal });
  await poll("a run", async () => runs.length > 0 || undefined);
  const second = request();
  await poll("the second request", async () => second.call.trace.cache.key);
  await new Promise((resume) => setTimeout(resume, 5));
  leaving.abort();
  resolve();
  expect(await partsOf(second.result)).toMatchObject({ method: "slow" });
  expect(await failureOf(first.result)).toMatchObject({ code: "client_closed_request" });
  expect(runs).toHaveLength(3);
  expect(second.call.trace.explanation).toMatchObject({ method: "slow", runs: 0 });
});

test("an explanation ends when its only client leaves", async () => {
  const leaving = new AbortController();
  const method = countingMethod("slow", 50, {
    onRun: (run) => (run === 3 ? leaving.abort() : undefined),
  });
  const { request, runs } = createExplainerHarness([method]);
  const { result, call } = request({ signal: leaving.signal, control: "no-store" });
  expect(await failureOf(result)).toMatchObject({ code: "client_closed_request" });
  expect(runs).toHaveLength(4);
  expect(call.trace.explanation).toMatchObject({ method: "slow", runs: 4 });
});

test("a streamed explanation tells how far it has come, and then what it is", async () => {
  const { request } = createExplainerHarness([ONE]);
  const parts = (await partsOf(request({ stream: true }).result)) as { event: string }[];
  expect(parts[0]).toEqual({ event: "progress", data: { runs: 0, of: 3 } });
  expect(parts.slice(0, -1).every(({ event }) => event === "progress")).toBe(true);
  expect(parts.at(-1)).toMatchObject({ event: "result", data: { method: "one", runs: 3 } });
});

test("a method that has results before its end sends them as they come", async () => {
  const streaming: ExplanationMethod = {
    ...ONE,
    plan: async () => ({
      space: "output",
      runs: 0,
      explain: async () => ({ whole: true }),
      async *stream() {
        yield { part: 1 };
        yield { part: 2 };
        yield { whole: true };
      },
    }),
  };
  const { request } = createExplainerHarness([streaming]);
  expect(await partsOf(request({ stream: true }).result)).toEqual([
    { event: "progress", data: { runs: 0, of: 0 } },
    { event: "partial", data: { part: 1 } },
    { event: "partial", data: { part: 2 } },
    { event: "result", data: { whole: true } },
  ]);
  expect(await partsOf(request().result)).toEqual({ whole: true });
});

test("a dry run says what an explanation would cost, and makes none", async () => {
  const { request, runs } = createExplainerHarness([ONE]);
  const plan = await partsOf(request({ parameters: { dry_run: true, space: "margin" } }).result);
  expect(plan).toEqual({
    method: "one",
    exact: true,
    space: "margin",
    runs: 3,
    estimated_ms: null,
  });
  expect(runs).toEqual([]);
});

test.each([
  [{ method: "two" }, /"parameters.method" must be one of auto, one, text; got "two"/],
  [{ method: "one", text_step: 1 }, /The method one has no parameter "text_step": it takes/],
  [
    { steps: 1 },
    /An explanation has no parameter "steps": it takes method, space, .*one_step, text_step/,
  ],
  [{ text_step: 1 }, /Unrecognized key: "text_step"/],
  [{ one_step: 0 }, /one_step/],
  [{ space: "logit" }, /space/],
  [{ output: -1 }, /output/],
  [{ output: 0.5 }, /output/],
  [{ max_runs: 0 }, /max_runs/],
  [{ max_runs: "many" }, /max_runs/],
  [{ max_runs: 2 }, /needs 3 runs of the model \(rows\), and may take 2/],
  [{ seed: -1 }, /seed/],
  [{ background: [] }, /background/],
  [{ background: "rows" }, /background/],
  [{ background_rows: 1001 }, /background_rows/],
  [{ dry_run: "yes" }, /dry_run/],
  [{ chart: "pie" }, /chart/],
  [{ max_display: 0 }, /max_display/],
  [{ toString: 1 }, /no parameter "toString"/],
])("parameters %j are refused before anything runs", async (parameters, message) => {
  const { request, runs } = createExplainerHarness([ONE, TEXT]);
  const error = await failureOf(request({ parameters }).result);
  expect(error).toMatchObject({ code: "invalid_request", message: expect.stringMatching(message) });
  expect(runs).toEqual([]);
});

test("a parameter that is null is left out", async () => {
  const { request } = createExplainerHarness([ONE]);
  const nulls = { method: null, space: null, output: null, seed: null, one_step: null };
  expect(await partsOf(request({ parameters: nulls }).result)).toMatchObject({ method: "one" });
});

test("a method that runs more than it has announced is stopped", async () => {
  const { request, runs } = createExplainerHarness([countingMethod("one", 5, { announced: 2 })]);
  expect(await failureOf(request().result)).toMatchObject({ code: "invalid_request" });
  expect(runs).toHaveLength(2);
});

test("an input that no method suits says what can be explained", async () => {
  const { request } = createExplainerHarness([TEXT]);
  expect(await failureOf(request({ inputs: 1 }).result)).toMatchObject({
    code: "invalid_request",
    message: expect.stringMatching(/^model "echo" version 1 cannot be explained/),
  });
});

test("more inputs than the limit, or than the API key permits, are refused", async () => {
  const { request } = createExplainerHarness([ONE]);
  const many = request({ inputs: Array.from({ length: 257 }, () => "a") });
  expect(await failureOf(many.result)).toMatchObject({
    code: "invalid_request",
    details: { field: "inputs", limit: 256, actual: 257 },
  });
  const limited = request({ inputs: ["a", "b"], limits: { batch: 1 } });
  expect(await failureOf(limited.result)).toMatchObject({ details: { keyLimit: "batch" } });
});

test("the error of one of several inputs says which one it is", async () => {
  const method: ExplanationMethod = {
    ...ONE,
    plan: async (request) => {
      if (request.inputs === "b") throw new ApiError("invalid_input", "It has no words.");
      return ONE.plan(request);
    },
  };
  const { request } = createExplainerHarness([method]);
  expect(await failureOf(request({ inputs: ["a", "b"] }).result)).toMatchObject({
    code: "invalid_input",
    message: "inputs[1]: It has no words.",
  });
});

test("no-store keeps nothing, and only-if-cached runs nothing", async () => {
  const { request, runs } = createExplainerHarness([ONE]);
  const { call, result } = request({ control: "no-store" });
  await result;
  expect(call.trace.cache).toMatchObject({ outcome: "bypass", reason: "no-store" });
  const cached = request({ control: "only-if-cached" });
  expect(await failureOf(cached.result)).toMatchObject({ code: "not_cached" });
  expect(runs).toHaveLength(3);
});
