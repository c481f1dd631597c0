import { expect, test } from "vitest";
import {
  countInference,
  createInferenceTotals,
  mergeInference,
} from "../../../../src/domain/monitoring/inference-totals.ts";

/** The meanings are those of Triton's documentation of its metrics. */

const RAN = { body: 1, resolve: 2, load: 3, parse: 4, preprocess: 5, infer: 10, postprocess: 6 };
const cache = (outcome: "hit" | "miss" | "bypass") => ({
  outcome,
  stored: false,
  collapsed: false,
});

test("a request that ran counts in all durations, with its rows and runs", () => {
  const totals = createInferenceTotals();
  countInference(totals, {
    status: 200,
    totalMs: 40,
    phasesMs: { ...RAN, cache: 7, serialize: 8 },
    cache: cache("miss"),
    queueMs: 100,
    inferences: 16,
    executions: 2,
  });
  expect(totals).toEqual({
    success: 1,
    successMs: 40,
    failures: {},
    executed: 1,
    queueMs: 105,
    inputMs: 10,
    inferMs: 10,
    outputMs: 14,
    inferences: 16,
    executions: 2,
    cacheHits: 0,
    cacheHitMs: 0,
    cacheMisses: 1,
    cacheMissMs: 7,
  });
});

test("a hit counts in the duration of requests and in the queue, and in no other", () => {
  const totals = createInferenceTotals();
  const phasesMs = { body: 1, resolve: 2, cache: 3, serialize: 4 };
  countInference(totals, { status: 200, totalMs: 12, phasesMs, cache: cache("hit") });
  expect(totals).toEqual({
    ...createInferenceTotals(),
    success: 1,
    successMs: 12,
    queueMs: 2,
    cacheHits: 1,
    cacheHitMs: 3,
  });
});

test.each([
  [429, "overloaded", "REJECTED"],
  [429, "quota_exceeded", "REJECTED"],
  [499, "client_closed_request", "CANCELED"],
  [200, "client_closed_request", "CANCELED"],
  [400, "inference_failed", "BACKEND"],
  [507, "out_of_memory", "BACKEND"],
  [400, "invalid_shape", "OTHER"],
  [404, undefined, "OTHER"],
])("%i %s is a failure with the reason of Triton", (status, errorCode, reason) => {
  const totals = createInferenceTotals();
  countInference(totals, { status, errorCode, totalMs: 5, phasesMs: RAN });
  expect(totals).toEqual({ ...createInferenceTotals(), failures: { [reason]: 1 } });
});

test("totals merge by adding", () => {
  const event = { status: 200, totalMs: 3, phasesMs: RAN, cache: cache("bypass") };
  const failure = { status: 500, errorCode: "engine_crashed", totalMs: 1, phasesMs: {} };
  const [one, other, both] = [0, 1, 2].map(createInferenceTotals) as [
    ReturnType<typeof createInferenceTotals>,
    ReturnType<typeof createInferenceTotals>,
    ReturnType<typeof createInferenceTotals>,
  ];
  countInference(one, event);
  for (const each of [event, failure]) countInference(other, each);
  for (const each of [event, event, failure]) countInference(both, each);
  mergeInference(one, other);
  expect(one).toEqual(both);
});
