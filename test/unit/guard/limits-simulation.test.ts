import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type BUDGET_NAMES, budgetsOf } from "../../../src/domain/access/budget.ts";
import {
  type LimitOutcome,
  type LimitScenario,
  simulateLimits,
} from "../../support/simulation/simulate-limits.ts";

const CALM: LimitScenario = {
  seed: 1,
  isolates: 50,
  hours: 5,
  policy: {},
  requestsPerMinute: 10,
  tokens: 200,
  longestMs: 5000,
  restartsPerHour: 0,
  lost: 0,
  skewMs: 0,
};

/** The scenarios begin at 20:00 UTC, so that they have parts of two days. */
const scenario: fc.Arbitrary<LimitScenario> = fc
  .record({
    seed: fc.integer({ min: 1, max: 1_000_000 }),
    policy: fc.record(
      {
        quota: fc.record(
          {
            requestsPerDay: fc.integer({ min: 1, max: 300 }),
            tokensPerDay: fc.integer({ min: 1, max: 15_000 }),
          },
          { requiredKeys: [] },
        ),
        rate: fc.record(
          {
            requestsPerMinute: fc.integer({ min: 1, max: 12 }),
            tokensPerMinute: fc.integer({ min: 100, max: 1500 }),
          },
          { requiredKeys: [] },
        ),
        concurrency: fc.integer({ min: 1, max: 6 }),
      },
      { requiredKeys: [] },
    ),
    longestMs: fc.constantFrom(200, 5000, 30_000),
    restartsPerHour: fc.constantFrom(0, 20, 200),
    lost: fc.constantFrom(0, 0.02, 0.3),
    slow: fc.constantFrom(0, 0.02, 0.4),
    skewMs: fc.constantFrom(0, 1000, 7_200_000),
    idle: fc.constantFrom(0, 0.5),
  })
  .map((changes) => ({ ...CALM, hours: 4.5, requestsPerMinute: 8, ...changes }));

function expectWithinBudgets({ policy }: LimitScenario, { used }: LimitOutcome): void {
  for (const { name, limit } of budgetsOf({ id: "", name: "", scopes: [], ...policy }))
    expect(Math.max(0, ...(used[name] ?? [])), name).toBeLessThanOrEqual(limit);
}

/** Of two days, the smaller part of the quota that was used. */
function leastShare({ used }: LimitOutcome, budget: (typeof BUDGET_NAMES)[number], limit: number) {
  const windows = used[budget] ?? [];
  expect(windows).toHaveLength(2);
  return Math.min(...windows) / limit;
}

describe("the budgets of a key in 50 isolates", () => {
  test("no window gets more than its limit, whatever isolates, messages and clocks do", async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        expectWithinBudgets(given, await simulateLimits(given));
      }),
      { numRuns: 8 },
    );
  });

  test("a key that asks for more than its quota gets all of it while nothing fails", async () => {
    const policy = { quota: { requestsPerDay: 400 } };
    const outcome = await simulateLimits({ ...CALM, policy });
    expect(leastShare(outcome, "requests-per-day", 400)).toBe(1);
  });

  test("it gets nearly all of it while isolates are restarted and messages are lost", async () => {
    const policy = { quota: { requestsPerDay: 400 } };
    const outcome = await simulateLimits({ ...CALM, policy, restartsPerHour: 25, lost: 0.01 });
    expectWithinBudgets({ ...CALM, policy }, outcome);
    expect(leastShare(outcome, "requests-per-day", 400)).toBeGreaterThan(0.97);
  });

  test("no request within the budgets is refused, after pauses neither", async () => {
    const much = 1_000_000_000;
    const policy = {
      rate: { requestsPerMinute: much, tokensPerMinute: much },
      quota: { requestsPerDay: much, tokensPerDay: much, cpuMsPerDay: much },
      concurrency: 100_000,
    };
    for (const [isolates, requestsPerMinute, hours] of [
      [3, 600, 0.1],
      [3, 10, 1],
      [50, 60, 0.5],
    ] as const) {
      const outcome = await simulateLimits({
        ...CALM,
        policy,
        isolates,
        requestsPerMinute,
        hours,
        idle: 0.5,
        slow: 0,
      });
      expect([outcome.refused, outcome.unavailable]).toEqual([0, 0]);
      expect(outcome.admitted).toBeGreaterThan(100);
    }
  });

  test("slices that one isolate does not use are used by others", async () => {
    const policy = { quota: { tokensPerDay: 50_000 } };
    const outcome = await simulateLimits({ ...CALM, policy, requestsPerMinute: 25 });
    expectWithinBudgets({ ...CALM, policy }, outcome);
    // A request reserves up to 200 tokens, so that the last ones are too few for most of them.
    expect(leastShare(outcome, "tokens-per-day", 50_000)).toBeGreaterThan(0.99);
  });
});
