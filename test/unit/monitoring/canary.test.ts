import { describe, expect, test } from "vitest";
import { migrate } from "../../../src/domain/durable-object/migrate.ts";
import { durationStep } from "../../../src/domain/monitoring/duration-steps.ts";
import type { CanaryMetric } from "../../../src/domain/monitoring/manifest-monitoring.ts";
import type {
  CanaryCounts,
  IdentifiedPrediction,
} from "../../../src/domain/monitoring/prediction-batch.ts";
import { createAccuracy } from "../../../src/monitoring/accuracy/accuracy.ts";
import {
  addBlock,
  createSequentialTest,
  significanceOf,
} from "../../../src/monitoring/canary/sequential-test.ts";
import { METRICS_MIGRATIONS } from "../../../src/monitoring/migrations.ts";
import { uuidV7 } from "../../../src/shared/uuid-v7.ts";
import { createTestStorage } from "../../support/sql.ts";

/** Mulberry32, so that a failure can be made again. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const LEVELS = [0, 1];

/** @returns after how many requests a canary is called worse, when it is looked at after each */
function observe(random: () => number, stable: number, canary: number, requests: number) {
  const sequential = createSequentialTest();
  let counts = { stable: [0, 0], canary: [0, 0] };
  for (let request = 1; request <= requests; request++) {
    const isCanary = random() < 0.3;
    const group = isCanary ? counts.canary : counts.stable;
    const outcome = random() < (isCanary ? canary : stable) ? 1 : 0;
    group[outcome] = (group[outcome] ?? 0) + 1;
    if (!counts.stable.some(Boolean) || !counts.canary.some(Boolean)) continue;
    addBlock(
      sequential,
      { levels: LEVELS, counts: counts.stable },
      { levels: LEVELS, counts: counts.canary },
    );
    counts = { stable: [0, 0], canary: [0, 0] };
    if (significanceOf(sequential) <= 0.05) return request;
  }
  return undefined;
}

describe("the sequential test, looked at after each request", () => {
  test.each([
    [0.02, 0.02],
    [0.3, 0.3],
    [0.3, 0.2],
  ])("calls a canary worse with the significance at most: %d and %d", (stable, canary) => {
    const random = createRandom(7);
    const called = Array.from({ length: 400 }, () => observe(random, stable, canary, 2000)).filter(
      (end) => end !== undefined,
    );
    // 5 % of 400 are 20; with 20 more than 33 come by chance once in a thousand times.
    expect(called.length).toBeLessThanOrEqual(33);
  });

  test("finds a canary that is worse", () => {
    const random = createRandom(11);
    const ends = Array.from({ length: 50 }, () => observe(random, 0.02, 0.2, 2000));
    expect(ends.filter((end) => end === undefined)).toEqual([]);
  });

  test("has an expectation of 1 at most for each alternative, over all outcomes of a block", () => {
    // Two outcomes of stable and one of the canary, of probability 0.3, enumerated.
    const share = 0.3;
    const before = createSequentialTest();
    before.stable = { count: 60, bad: 15 };
    before.canary = { count: 40, bad: 18 };
    const expected = before.logs.map(() => 0);
    for (let outcome = 0; outcome < 8; outcome++) {
      const bits = [outcome & 1, (outcome >> 1) & 1, outcome >> 2];
      const bad = bits.reduce((sum, bit) => sum + bit, 0);
      const probability = share ** bad * (1 - share) ** (3 - bad);
      const after = structuredClone(before);
      const stableBad = (bits[0] ?? 0) + (bits[1] ?? 0);
      addBlock(
        after,
        { levels: LEVELS, counts: [2 - stableBad, stableBad] },
        { levels: LEVELS, counts: [1 - (bits[2] ?? 0), bits[2] ?? 0] },
      );
      after.logs.forEach((log, index) => {
        expected[index] = (expected[index] ?? 0) + probability * Math.exp(log);
      });
    }
    for (const each of expected) expect(each).toBeLessThanOrEqual(1 + 1e-12);
    expect(Math.max(...expected)).toBeGreaterThan(0.9);
  });
});

function createObject() {
  const storage = createTestStorage();
  migrate(storage, METRICS_MIGRATIONS);
  const accuracy = createAccuracy(storage);
  const pair = { alias: "live", since: 3, stable: "1", canary: "2", significance: 0.01 };

  async function send(
    counts: { stable: Partial<CanaryCounts>; canary: Partial<CanaryCounts> },
    { metrics = ["errors", "latency", "accuracy", "estimatedAccuracy"] as CanaryMetric[] } = {},
  ) {
    const whole = (some: Partial<CanaryCounts>): CanaryCounts => ({
      requests: 0,
      errors: 0,
      durations: {},
      confidences: {},
      ...some,
    });
    const block = {
      ...pair,
      metrics,
      calibrated: ["1", "2"],
      counts: { stable: whole(counts.stable), canary: whole(counts.canary) },
    };
    return accuracy.append(await accuracy.prepare({ versions: [], canaries: [block] }));
  }
  return { storage, accuracy, pair, send };
}

describe("a canary", () => {
  test("with more errors is worse, until that is acknowledged once", async () => {
    const { accuracy, send, pair } = createObject();
    const steady = { stable: { requests: 100 }, canary: { requests: 30, errors: 6 } };
    const verdicts = [];
    for (let batch = 0; batch < 6; batch++) verdicts.push(...(await send(steady)));
    expect(verdicts.length).toBeGreaterThan(0);
    const [verdict] = verdicts;
    expect(verdict).toMatchObject({
      alias: "live",
      since: 3,
      stable: "1",
      canary: "2",
      metric: "errors",
    });
    expect(verdict?.significance).toBeLessThanOrEqual(0.0025);
    expect(verdict?.reason).toMatch(/^Version 2 is worse than version 1: 20.00 % against 0.00 %/);
    expect(new Set(verdicts.map(({ at }) => at)).size).toBe(1);
    expect(await accuracy.acknowledgeCanary(pair, "rolled_back")).toBe(true);
    expect(await accuracy.acknowledgeCanary(pair, "changed")).toBe(false);
    expect(await send(steady)).toEqual([]);
    const [report] = await accuracy.canaryReports();
    expect(report).toMatchObject({
      outcome: "rolled_back",
      requests: { stable: 700, canary: 210 },
    });
  });

  test("is not worse by what its manifest leaves out, or for fewer errors", async () => {
    const { send } = createObject();
    const failing = { stable: { requests: 100 }, canary: { requests: 30, errors: 6 } };
    for (let batch = 0; batch < 6; batch++)
      expect(await send(failing, { metrics: ["latency"] })).toEqual([]);
    const better = createObject();
    for (let batch = 0; batch < 6; batch++)
      expect(
        await better.send({
          stable: { requests: 100, errors: 20 },
          canary: { requests: 100 },
        }),
      ).toEqual([]);
  });

  test("is slower beyond a quarter, and not within it", async () => {
    const at = (ms: number, count: number) => ({
      requests: count,
      durations: { [durationStep(ms)]: count },
    });
    const outcome = async (ms: number) => {
      const { send, accuracy } = createObject();
      for (let batch = 0; batch < 12; batch++)
        await send({ stable: at(10, 100), canary: at(ms, 40) });
      const [report] = await accuracy.canaryReports();
      return report?.metrics.find(({ metric }) => metric === "latency");
    };
    expect(await outcome(12)).toMatchObject({ worse: false, significance: 1 });
    const slow = await outcome(20);
    expect(slow).toMatchObject({ worse: true, stable: { value: 0 }, canary: { value: 1 } });
    expect(slow?.medianMs?.canary).toBeCloseTo(20.75, 2);
  });

  test("with lower calibrated confidences is worse before any truth is known", async () => {
    const { send, accuracy } = createObject();
    const confident = { requests: 50, confidences: { 19: 45, 12: 5 } };
    const unsure = { requests: 50, confidences: { 19: 10, 12: 40 } };
    for (let batch = 0; batch < 12; batch++) await send({ stable: confident, canary: unsure });
    const [report] = await accuracy.canaryReports();
    expect(report?.worse?.metric).toBe("estimatedAccuracy");
    const found = report?.metrics.find(({ metric }) => metric === "estimatedAccuracy");
    // 45 of 0.975 and 5 of 0.625; 10 and 40.
    expect(found?.stable?.value).toBeCloseTo(0.94, 10);
    expect(found?.canary?.value).toBeCloseTo(0.695, 10);
  });

  test("whose predictions are wrong by feedback is worse, by the requests that were drawn", async () => {
    const { storage, accuracy, send, pair } = createObject();
    await send({ stable: { requests: 1 }, canary: { requests: 1 } });
    const predictions = (split: string | undefined): IdentifiedPrediction[] =>
      Array.from({ length: 200 }, () => ({
        requestId: uuidV7(storage.now()),
        time: storage.now(),
        count: 1,
        rows: [["a", 0.9]],
        split,
      }));
    const stable = predictions("live");
    const canary = predictions("live");
    const named = predictions(undefined);
    const versions = [
      { version: "1", retentionDays: 1, predictions: stable },
      { version: "2", retentionDays: 1, predictions: [...canary, ...named] },
    ];
    accuracy.append(await accuracy.prepare({ versions, canaries: [] }));
    const giver = { id: "", isAdmin: true };
    const truths = [stable, canary].flatMap((each, group) =>
      each.map(({ requestId }, index) => ({
        requestId,
        truth: [group === 1 && index % 2 === 0 ? "b" : "a"],
        knownAt: storage.now(),
      })),
    );
    // As they come: stable and canary in turns.
    const mixed = truths
      .slice(0, 200)
      .flatMap((each, index) => [each, truths[200 + index] ?? each]);
    await accuracy.recordTruths(mixed, giver);
    await accuracy.recordTruths(
      named.map(({ requestId }) => ({ requestId, truth: ["b"], knownAt: storage.now() })),
      giver,
    );
    const [report] = await accuracy.canaryReports();
    expect(report?.worse).toMatchObject({
      ...pair,
      significance: expect.any(Number),
      metric: "accuracy",
    });
    const found = report?.metrics.find(({ metric }) => metric === "accuracy");
    expect(found?.compared).toEqual({ stable: 200, canary: 200 });
    expect(found?.canary?.value).toBe(0.5);
    // The verdict comes with the next batch.
    expect(await send({ stable: { requests: 1 }, canary: {} })).toHaveLength(1);
  });
});
