import fc from "fast-check";
import { parseList } from "structured-headers";
import { describe, expect, test } from "vitest";
import { BUDGET_NAMES, type Budget, budgetsOf } from "../../../src/domain/access/budget.ts";
import type { ServiceLimit } from "../../../src/domain/access/limiter.ts";
import { toOpenAiHeaders, toRateLimitHeaders } from "../../../src/http/rate-limit-headers.ts";

const limit = fc.integer({ min: 0, max: 1_000_000_000 });
const budgets: fc.Arbitrary<readonly Budget[]> = fc
  .record({
    quota: fc.record({ requestsPerDay: limit, tokensPerDay: limit, cpuMsPerDay: limit }),
    rate: fc.record({ requestsPerMinute: limit, tokensPerMinute: limit }),
    concurrency: limit,
  })
  .map((policy) => budgetsOf({ id: "", name: "", scopes: [], ...policy }));

const limits: fc.Arbitrary<readonly ServiceLimit[]> = fc
  .tuple(budgets, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 86_400 })), { minLength: 6 }))
  .map(([all, states]) =>
    all.map((budget, index) => {
      const [remaining = 0, seconds = 0] = states[index] ?? [];
      return {
        budget,
        remaining,
        resetSeconds: budget.windowSeconds === undefined ? undefined : seconds,
      };
    }),
  );

/** A List of Items, by another implementation of RFC 9651. */
const parse = (text: string | undefined) =>
  parseList(text ?? "").map(([item, parameters]) => ({
    item,
    ...Object.fromEntries(parameters as Iterable<[string, unknown]>),
  }));

describe("RateLimit and RateLimit-Policy", () => {
  test("are lists of items whose parameters are those of the budgets", () => {
    fc.assert(
      fc.property(limits, (given) => {
        const headers = toRateLimitHeaders(given);
        expect(parse(headers.ratelimit)).toEqual(
          given.map(({ budget, remaining, resetSeconds }) => ({
            item: budget.name,
            r: remaining,
            ...(resetSeconds !== undefined && { t: resetSeconds }),
          })),
        );
        expect(parse(headers["ratelimit-policy"])).toEqual(
          given.map(({ budget: { name, limit: q, unit, windowSeconds } }) => ({
            item: name,
            q,
            ...(unit !== "requests" && { qu: unit }),
            ...(windowSeconds !== undefined && { w: windowSeconds }),
          })),
        );
        expect(given.map(({ budget }) => budget.name)).toEqual(BUDGET_NAMES);
      }),
    );
  });
});

describe("OpenAI's headers", () => {
  const [perMinute, perDay] = budgetsOf({
    id: "",
    name: "",
    scopes: [],
    rate: { requestsPerMinute: 60 },
    quota: { requestsPerDay: 1000 },
  }) as [Budget, Budget];

  test.each([
    [30, 900, "60", "30", "9s"],
    [30, 100, "1000", "100", "23h59m59s"],
    [0, 0, "60", "0", "9s"],
  ])("are those of the budget of which the least is left", (minute, day, most, left, reset) => {
    expect(
      toOpenAiHeaders([
        { budget: perMinute, remaining: minute, resetSeconds: 9 },
        { budget: perDay, remaining: day, resetSeconds: 86_399 },
      ]),
    ).toEqual({
      "x-ratelimit-limit-requests": most,
      "x-ratelimit-remaining-requests": left,
      "x-ratelimit-reset-requests": reset,
    });
  });

  test("have durations in the form of OpenAI's", () => {
    const reset = (resetSeconds: number) =>
      toOpenAiHeaders([{ budget: perDay, remaining: 1, resetSeconds }])[
        "x-ratelimit-reset-requests"
      ];
    expect([1, 59, 60, 360, 3600, 86_400].map(reset)).toEqual([
      "1s",
      "59s",
      "1m0s",
      "6m0s",
      "1h0m0s",
      "24h0m0s",
    ]);
  });
});
