import { describe, expect, test } from "vitest";
import { DEFAULT_RULES } from "../../../../src/domain/alerts/default-rules.ts";
import {
  ALERT_KINDS,
  kindOf,
  rulesSchema,
  toRule,
} from "../../../../src/domain/alerts/kinds/registry.ts";
import type { Measurement } from "../../../../src/domain/alerts/readings.ts";
import {
  distributionOf,
  readingsOf,
  type TestReadings,
  windowOf,
} from "../../../support/alerts.ts";

/** Expected values are the quotients of the counts that are given, calculated by hand. */

type Fields = Record<string, unknown> & { readonly kind: string };

function measure(fields: Fields, given: TestReadings): Measurement[] {
  const rule = toRule({ name: "rule", ...fields });
  return [...kindOf(rule).measure(rule, readingsOf(0, given))];
}

function describeOne(fields: Fields, given: TestReadings): string {
  const rule = toRule({ name: "rule", ...fields });
  const [measurement] = measure(fields, given);
  if (!measurement) throw new Error("nothing was measured");
  return kindOf(rule).describe(measurement, rule);
}

const of = windowOf;

describe("error_ratio", () => {
  const outcomes = {
    200: 80,
    "400 invalid_input": 10,
    "429 overloaded": 4,
    "500 internal": 2,
    "503 model_load_failed": 3,
    "504 not_cached": 1,
  };

  test("counts what the service could not answer, and nothing that tells of the request", () => {
    const recent = [of({ requests: 100, outcomes })];
    expect(measure({ kind: "error_ratio" }, { recent })).toEqual([
      {
        subject: { model: "iris", version: "1" },
        value: 0.05,
        requests: 100,
        details: { failed: 5, mostFrequent: "503 model_load_failed" },
      },
    ]);
    expect(measure({ kind: "error_ratio", refusals: true }, { recent })[0]?.value).toBe(0.09);
  });

  test("takes versions, models or everything together, with requests without a model in the last", () => {
    const recent = [
      of({ requests: 30, outcomes: { "500 internal": 30 } }),
      of({ requests: 50, outcomes: { 200: 50 } }, "iris", "2"),
      of({ requests: 20, outcomes: { 200: 20 } }, "digits"),
      of({ requests: 50, outcomes: { 200: 50 } }, "", ""),
    ];
    const by = (grouping: string) =>
      measure({ kind: "error_ratio", by: grouping }, { recent }).map(({ subject, value }) => [
        subject.model,
        subject.version,
        value,
      ]);
    expect(by("version")).toEqual([
      ["iris", "1", 1],
      ["iris", "2", 0],
      ["digits", "1", 0],
    ]);
    expect(by("model")).toEqual([
      ["iris", undefined, 0.375],
      ["digits", undefined, 0],
    ]);
    expect(by("service")).toEqual([[undefined, undefined, 0.2]]);
  });

  test("looks at the models and versions of its rule alone", () => {
    const recent = [
      of({ requests: 20 }),
      of({ requests: 20 }, "iris", "2"),
      of({ requests: 20 }, "iris-small", "2"),
      of({ requests: 20 }, "digits", "2"),
    ];
    const fields = { kind: "error_ratio", models: ["iris*"], versions: ["2"] };
    expect(measure(fields, { recent }).map(({ subject }) => subject.model)).toEqual([
      "iris",
      "iris-small",
    ]);
  });

  test("judges nothing of fewer requests than its rule says", () => {
    const recent = [of({ requests: 19, outcomes: { "500 internal": 19 } })];
    expect(measure({ kind: "error_ratio" }, { recent })).toEqual([]);
  });
});

describe("latency", () => {
  test("reads the percentile of the duration of its rule", () => {
    const durations = { total: distributionOf(95), cpu: distributionOf(20, 40) };
    const recent = [of({ durations })];
    // The sketch is within 1.1 %.
    const values = (fields: object) =>
      measure({ kind: "latency", ...fields }, { recent }).map(({ value }) => Math.round(value / 5));
    expect(values({})).toEqual([19]);
    expect(values({ duration: "cpu", quantile: 0.5 })).toEqual([4]);
    expect(values({ duration: "wall" })).toEqual([]);
    expect(describeOne({ kind: "latency", duration: "cpu", quantile: 0.5 }, { recent })).toBe(
      "the 50th percentile of the CPU time was 20 ms over 40 requests in 10 minutes",
    );
  });

  test("compares with the time before, from a duration on that somebody notices", () => {
    const times = (now: number, usual: number) => {
      const recent = [of({ durations: { total: distributionOf(now) } })];
      const past = [of({ durations: { total: distributionOf(usual) } })];
      return measure({ kind: "latency_increase" }, { recent, past })[0]?.value;
    };
    expect(times(2000, 500)).toBeCloseTo(4, 1);
    expect(times(200, 2)).toBe(1);
    expect(times(500, 2)).toBeCloseTo(2, 1);
    const recent = [of({ durations: { total: distributionOf(2000) } })];
    expect(measure({ kind: "latency_increase" }, { recent })).toEqual([]);
  });
});

test("cold_starts is the share of requests that waited for their model", () => {
  const recent = [of({ requests: 200, coldStarts: 50 })];
  expect(measure({ kind: "cold_starts" }, { recent })[0]?.value).toBe(0.25);
  expect(describeOne({ kind: "cold_starts" }, { recent })).toBe(
    "25 % of 200 requests in 15 minutes waited for the model to be loaded",
  );
});

describe("cache_collapse", () => {
  const past = [of({ cache: { hit: 600, miss: 400, bypass: 9000 } })];

  test("compares the hit ratio with that of the day before, without what bypasses the cache", () => {
    const recent = [of({ cache: { hit: 30, miss: 170, bypass: 1000 } })];
    const [measured] = measure({ kind: "cache_collapse" }, { recent, past });
    expect(measured).toMatchObject({
      value: 0.25,
      details: { hitRatio: 0.15, usualHitRatio: 0.6 },
    });
    expect(describeOne({ kind: "cache_collapse" }, { recent, past })).toBe(
      "the cache answered 15 % of 200 requests in 15 minutes; it was 60 % in the day before",
    );
  });

  test("judges no version without a past, and no cache that was of little use", () => {
    const recent = [of({ cache: { hit: 0, miss: 200 } }, "iris", "2")];
    expect(measure({ kind: "cache_collapse" }, { recent, past })).toEqual([]);
    const rare = [of({ cache: { hit: 100, miss: 900 } }, "iris", "2")];
    expect(measure({ kind: "cache_collapse" }, { recent, past: rare })).toEqual([]);
  });
});

describe("unusual_client", () => {
  // A week has 672 windows of 15 minutes.
  const past = [
    of({ requests: 400_000, principals: { "key:a": 67_200, "key:b": 336_000 } }, "", ""),
  ];

  test("compares a client with its own past", () => {
    const recent = [of({ requests: 3000, principals: { "key:a": 2000, "key:b": 1000 } }, "", "")];
    const measured = measure({ kind: "unusual_client" }, { recent, past });
    expect(measured.map(({ item, value }) => [item, value])).toEqual([
      ["key:a", 20],
      ["key:b", 2],
    ]);
    expect(describeOne({ kind: "unusual_client" }, { recent, past })).toBe(
      "key:a sent 2000 requests in 15 minutes; it usually sends 100",
    );
  });

  test("compares a client without a past with the others", () => {
    const principals = { "key:new": 9000, "key:a": 100, "key:b": 500, other: 40 };
    const recent = [of({ requests: 9640, principals }, "", "")];
    const [measured, ...others] = measure({ kind: "unusual_client" }, { recent, past });
    expect(measured).toMatchObject({ item: "key:new", value: 30, details: { isNew: "yes" } });
    expect(others).toEqual([]);
  });

  test("judges no client of a service that has just begun", () => {
    const recent = [of({ requests: 9000, principals: { "key:a": 9000 } }, "", "")];
    expect(measure({ kind: "unusual_client" }, { recent })).toEqual([]);
  });
});

test("new_country is about countries that were not among the requests before", () => {
  const past = [of({ countries: { DE: 9000, FR: 996, XX: 100, KR: 4 } }, "", "")];
  const countries = { DE: 900, KR: 300, BR: 200, T1: 50 };
  const recent = [of({ requests: 1450, countries }, "", "")];
  const measured = measure({ kind: "new_country" }, { recent, past });
  expect(measured.map(({ item, value }) => [item, value])).toEqual([
    ["KR", 300],
    ["BR", 200],
  ]);
  expect(measure({ kind: "new_country" }, { recent })).toEqual([]);
});

test("lost_events is the share of events that were lost", () => {
  const recent = [of({ requests: 75, lost: { queue_full: 20, too_large: 5 } })];
  expect(measure({ kind: "lost_events" }, { recent })[0]).toMatchObject({
    value: 0.25,
    details: { lost: 25, reason: "queue_full" },
  });
});

test("platform_failures counts invocations that the platform has ended", () => {
  const recent = [of({ invocations: { ok: 90, canceled: 6, exceededMemory: 3, exception: 1 } })];
  expect(measure({ kind: "platform_failures" }, { recent })[0]).toMatchObject({
    value: 0.04,
    details: { failed: 4, mostFrequent: "exceededMemory" },
  });
});

describe("what reports say", () => {
  const subject = { model: "iris", version: "2" };

  test("drift is the number of inputs and outputs that have drifted", () => {
    const drift = { drifted: ["petal_length", "label"], effect: 0.71, count: 500 };
    const reports = [{ ...subject, reports: { drift } }];
    expect(measure({ kind: "drift" }, { reports })[0]).toMatchObject({ subject, value: 2 });
    expect(describeOne({ kind: "drift" }, { reports })).toBe(
      "2 inputs or outputs differ from the reference profile, over 500 rows: petal_length, label",
    );
  });

  test("canary has a value when the test has decided against the version", () => {
    const canary = { stable: "1", isWorse: true, confidence: 0.99, measure: "errors", count: 80 };
    const measured = (isWorse: boolean) =>
      measure(
        { kind: "canary" },
        { reports: [{ ...subject, reports: { canary: { ...canary, isWorse } } }] },
      );
    expect(measured(true)[0]?.value).toBe(0.99);
    expect(measured(false)[0]?.value).toBe(0);
  });

  test("estimated_accuracy is how much is missing of what is expected", () => {
    const accuracy = { estimated: 0.75, expected: 1, count: 300 };
    const measured = (over: object) =>
      measure(
        { kind: "estimated_accuracy" },
        { reports: [{ ...subject, reports: { accuracy: { ...accuracy, ...over } } }] },
      ).map(({ value }) => value);
    expect(measured({})).toEqual([0.25]);
    expect(measured({ estimated: 1.2 })).toEqual([0]);
    expect(measured({ expected: undefined })).toEqual([]);
    expect(measured({ count: 199 })).toEqual([]);
  });
});

describe("rules", () => {
  test("there is a rule of each kind by default, which its own schema accepts", () => {
    expect(DEFAULT_RULES.map(({ kind }) => kind)).toEqual(ALERT_KINDS.map(({ kind }) => kind));
    expect(rulesSchema.safeParse(JSON.parse(JSON.stringify(DEFAULT_RULES)))).toMatchObject({
      success: true,
    });
  });

  test("what a rule leaves out is as its kind says, and the clear threshold follows the threshold", () => {
    const rule = toRule({ name: "slow", kind: "latency", threshold: 500 });
    expect(rule).toMatchObject({
      enabled: true,
      models: ["*"],
      severity: "warning",
      threshold: 500,
      clearThreshold: 400,
      quantile: 0.95,
      duration: "total",
    });
    const below = toRule({ name: "hits", kind: "cache_collapse", threshold: 0.3 });
    expect(below.clearThreshold).toBeCloseTo(0.42, 12);
  });

  test.each([
    [[{ name: "a", kind: "unknown" }], "0.kind"],
    [[{ name: "A", kind: "latency" }], "0.name"],
    [[{ name: "a", kind: "latency", windowSeconds: 90 }], "0.windowSeconds"],
    [[{ name: "a", kind: "latency", quantile: 1 }], "0.quantile"],
    [[{ name: "a", kind: "latency", refusals: true }], "0"],
    [[{ name: "a", kind: "latency", threshold: 10, clearThreshold: 11 }], "0.clearThreshold"],
    [[{ name: "a", kind: "cache_collapse", clearThreshold: 0.4 }], "0.clearThreshold"],
    [
      [
        { name: "a", kind: "latency" },
        { name: "a", kind: "drift" },
      ],
      "1.name",
    ],
    [[{ name: "a", kind: "latency", models: ["Iris"] }], "0.models.0"],
    [[{ name: "a", kind: "latency", mutedUntil: "tomorrow" }], "0.mutedUntil"],
  ])("%j are refused", (rules, path) => {
    const { error } = rulesSchema.safeParse(rules);
    expect(error?.issues.map((issue) => issue.path.join("."))).toEqual([path]);
  });
});
