import { expect, test } from "vitest";
import { type LimitScenario, simulateLimits } from "../support/simulation/simulate-limits.ts";

/** From 20:00 UTC until the end of the next day, so that one of both days is whole. */
const HOURS = 28;
const LIMIT = 2000;

const SCENARIO: LimitScenario = {
  seed: 1,
  isolates: 50,
  hours: HOURS,
  policy: { quota: { requestsPerDay: LIMIT } },
  // Far more than the quota.
  requestsPerMinute: 10,
  tokens: 200,
  longestMs: 5000,
  restartsPerHour: 0,
  lost: 0,
  skewMs: 7_200_000,
};

test.each([
  ["without faults", {}, 1],
  [
    "with two restarts in five minutes, and one message of 100 lost",
    { restartsPerHour: 25, lost: 0.01 },
    0.98,
  ],
  [
    "with 200 restarts an hour, and one message of 20 lost",
    { restartsPerHour: 200, lost: 0.05 },
    0.9,
  ],
])(
  "a day of 50 isolates %s gets no request more than the quota, and nearly all of it",
  async (_, faults, share) => {
    const { used, refused } = await simulateLimits({ ...SCENARIO, ...faults });
    const days = used["requests-per-day"] ?? [];
    expect(days).toHaveLength(2);
    expect(Math.max(...days)).toBeLessThanOrEqual(LIMIT);
    expect(Math.min(...days)).toBeGreaterThanOrEqual(share * LIMIT);
    expect(refused).toBeGreaterThan(1000);
  },
);
