import { describe, expect, test } from "vitest";
import type { AccuracyReport } from "../../../../src/domain/monitoring/accuracy-report.ts";
import type { CanaryReport } from "../../../../src/domain/monitoring/canary-report.ts";
import type { DriftReport } from "../../../../src/domain/monitoring/drift-report.ts";
import {
  toAccuracyFinding,
  toCanaryFinding,
  toDriftFinding,
} from "../../../../src/monitoring/alerts/findings.ts";

const NOW = Date.parse("2026-11-30T12:00:00Z");
const at = (minutesAgo: number): string => new Date(NOW - minutesAgo * 60_000).toISOString();

describe("the finding of a drift report", () => {
  const feature = (name: string, effect: number, side = "input") => ({
    feature: name,
    side,
    effect,
  });
  const report = {
    status: "drift",
    features: [
      { feature: "age", side: "input", status: "drift" },
      { feature: "label", side: "output", status: "drift" },
      { feature: "label", side: "input", status: "none" },
      { feature: "height", side: "input", status: "suspected" },
    ],
    windows: [
      { complete: false, rows: 3, features: [feature("age", 9)] },
      {
        complete: true,
        rows: 120,
        features: [
          feature("age", 0.3),
          feature("label", 0.4, "output"),
          feature("label", 5),
          feature("height", 7),
        ],
      },
      { complete: true, rows: 100, features: [feature("age", 2)] },
    ],
  } as unknown as DriftReport;

  test("has what has drifted, and its largest effect in the last complete window", () => {
    expect(toDriftFinding(report)).toEqual({ drifted: ["age", "label"], effect: 0.4, count: 120 });
  });

  test("has the effect 0 where nothing has drifted", () => {
    const none = { ...report, status: "none", features: report.features.slice(2) } as DriftReport;
    expect(toDriftFinding(none)).toEqual({ drifted: [], effect: 0, count: 120 });
  });

  test.each(["no_profile", "insufficient"] as const)("is none of a report of %s", (status) => {
    expect(toDriftFinding({ ...report, status })).toBeUndefined();
  });

  test("is none without a complete window", () => {
    expect(toDriftFinding({ ...report, windows: report.windows.slice(0, 1) })).toBeUndefined();
  });
});

describe("the finding of a canary", () => {
  const canary = (minutesAgo: number, fields: object = {}): CanaryReport =>
    ({
      alias: "default",
      stable: "1",
      canary: "2",
      updatedAt: at(minutesAgo),
      requests: { stable: 900, canary: 100 },
      metrics: [{ significance: 0.5 }, { significance: 0.2 }],
      ...fields,
    }) as unknown as CanaryReport;

  test("is of its newest report, and as sure as its most significant comparison", () => {
    const reports = [canary(30, { stable: "0" }), canary(5), canary(40)];
    expect(toCanaryFinding(reports, "2", NOW)).toEqual({
      stable: "1",
      isWorse: false,
      confidence: 0.8,
      measure: "anything",
      count: 100,
    });
  });

  test("names by what it is worse", () => {
    const worse = { metric: "errors", significance: 0.001 };
    expect(toCanaryFinding([canary(1, { worse })], "2", NOW)).toMatchObject({
      isWorse: true,
      confidence: 0.999,
      measure: "errors",
    });
  });

  test("is none of another version, and none an hour after its last request", () => {
    expect(toCanaryFinding([canary(1)], "3", NOW)).toBeUndefined();
    expect(toCanaryFinding([canary(60)], "2", NOW)).toBeUndefined();
    expect(toCanaryFinding([canary(59)], "2", NOW)).toBeDefined();
  });
});

describe("the finding of an accuracy report", () => {
  const recent = {
    estimated: { accuracy: { value: 0.8 }, predictions: 500 },
  } as unknown as AccuracyReport;
  const past = { classification: { accuracy: { value: 0.9 } } } as unknown as AccuracyReport;

  test("has the estimate of the last requests, and what the truths of the past say", () => {
    expect(toAccuracyFinding(recent, past)).toEqual({ estimated: 0.8, expected: 0.9, count: 500 });
    expect(toAccuracyFinding(recent, undefined)).toEqual({ estimated: 0.8, count: 500 });
  });

  test("is none where accuracy cannot be estimated", () => {
    const unavailable = { estimated: { unavailable: "not_calibrated", reason: "" } };
    expect(toAccuracyFinding(unavailable as unknown as AccuracyReport, past)).toBeUndefined();
    expect(toAccuracyFinding(undefined, past)).toBeUndefined();
  });
});
