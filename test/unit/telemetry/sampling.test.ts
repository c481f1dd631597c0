import { expect, test } from "vitest";
import type { RequestEvent } from "../../../src/domain/event.ts";
import { createSampler } from "../../../src/telemetry/sampling.ts";
import { FAILURE, HIT, PREDICTION, UNMATCHED } from "../../contracts/event-sink.ts";

const none = { rate: 0, rateByModel: new Map<string, number>(), slowMs: 1000 };

test.each<[name: string, event: RequestEvent, reason: string]>([
  ["an error of the client", UNMATCHED, "error"],
  ["an error of the service", FAILURE, "error"],
  ["a stream that its client has left", { ...HIT, errorCode: "client_closed_request" }, "error"],
  ["a cold start", PREDICTION, "cold_start"],
  ["a request that took long", { ...HIT, totalMs: 1000 }, "slow"],
])("%s is written at a rate of 0", (_, event, reason) => {
  expect(createSampler(none)(event)).toEqual({ rate: 1, reason });
});

test("a fast success is not written at a rate of 0, and is at 1", () => {
  expect(createSampler(none, () => 0)({ ...HIT, totalMs: 999.999 })).toBeUndefined();
  expect(createSampler({ ...none, rate: 1 }, () => 0.999)(HIT)).toEqual({
    rate: 1,
    reason: "rate",
  });
});

test("the rate of a model takes precedence over that of all, in both directions", () => {
  const rateByModel = new Map([
    ["iris", 0.25],
    ["digits", 1],
  ]);
  const sample = createSampler({ ...none, rate: 0.5, rateByModel }, () => 0.3);
  expect(sample({ ...HIT, model: "iris" })).toBeUndefined();
  expect(sample({ ...HIT, model: "digits" })).toEqual({ rate: 1, reason: "rate" });
  expect(sample({ ...HIT, model: "other" })).toEqual({ rate: 0.5, reason: "rate" });
  expect(sample({ ...HIT, model: undefined })).toEqual({ rate: 0.5, reason: "rate" });
});

test("a share of the requests is written that is the rate, within four standard deviations", () => {
  const sample = createSampler({ ...none, rate: 0.1 });
  const requests = 20_000;
  let written = 0;
  for (let n = 0; n < requests; n++) if (sample(HIT)) written++;
  const deviation = Math.sqrt(requests * 0.1 * 0.9);
  expect(Math.abs(written - requests * 0.1)).toBeLessThan(4 * deviation);
});
