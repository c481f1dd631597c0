import { describe, expect, it } from "vitest";
import type { RequestEvent } from "../../../../src/domain/event.ts";
import { createAggregate } from "../../../../src/domain/monitoring/aggregate.ts";
import { mergeAggregate } from "../../../../src/domain/monitoring/merge-aggregate.ts";
import { deviationOf } from "../../../../src/domain/monitoring/moments.ts";
import { foldStatistics } from "../../../../src/telemetry/aggregation/fold-statistics.ts";

type Statistics = Pick<RequestEvent, "inputs" | "outputs" | "profile">;

function foldAll(...all: Statistics[]) {
  const aggregate = createAggregate();
  for (const statistics of all) foldStatistics(aggregate, statistics);
  return aggregate;
}

const numeric = (values: readonly number[], histogram?: number[]): Statistics => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(
    values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length,
  );
  return {
    inputs: [
      {
        name: "width",
        kind: "numeric",
        count: values.length,
        missing: 1,
        mean,
        deviation,
        min: Math.min(...values),
        max: Math.max(...values),
        histogram,
      },
    ],
    profile: histogram && "first",
  };
};

describe("statistics of requests", () => {
  it("have the moments of all their values together", () => {
    const parts = [numeric([5.1, 4.9, 4.7]), numeric([4.6]), numeric([5, 5.4])];
    const { width } = foldAll(...parts).inputs;
    // NumPy 2: mean and std of the six values.
    expect(width?.moments).toMatchObject({ count: 6, missing: 3 });
    expect(width?.moments.mean).toBeCloseTo(4.95, 12);
    expect(deviationOf(width?.moments as never)).toBeCloseTo(0.26299556396765844, 12);
  });

  it("are the same when aggregates are merged", () => {
    const parts = [numeric([5.1, 4.9], [1, 1]), numeric([4.6], [0, 1]), numeric([5], [1, 0])];
    const merged = createAggregate();
    for (const part of parts) mergeAggregate(merged, foldAll(part));
    const { width } = merged.inputs;
    expect(width?.histogram).toEqual([2, 2]);
    expect(width?.moments.m2).toBeCloseTo(foldAll(...parts).inputs.width?.moments.m2 as number, 12);
  });

  it("have histograms of one reference profile, the last one", () => {
    const later: Statistics = { ...numeric([5], [0, 0, 1]), profile: "second" };
    const aggregate = foldAll(numeric([5], [1, 0]), later, later);
    expect(aggregate.profile).toBe("second");
    expect(aggregate.inputs.width).toMatchObject({ histogram: [0, 0, 2], moments: { count: 3 } });
  });

  it("have pictures, recordings, texts and categories by the names of reference profiles", () => {
    const spread = { mean: 28, deviation: 0 };
    const { inputs } = foldAll({
      inputs: [
        { name: "image", kind: "image", count: 1, missing: 0, width: spread, height: spread },
        { name: "audio", kind: "audio", count: 1, missing: 0, seconds: { mean: 2, deviation: 0 } },
        { name: "text", kind: "text", count: 2, missing: 0, characters: { mean: 9, deviation: 3 } },
        { name: "colour", kind: "category", count: 3, missing: 1, counts: [2, 0, 1] },
        // Without a profile there is nothing to count by.
        { name: "shape", kind: "category", count: 3, missing: 1 },
      ],
    });
    expect(Object.keys(inputs)).toEqual([
      "image.width",
      "image.height",
      "audio.seconds",
      "text",
      "colour",
    ]);
    expect(inputs["image.width"]?.moments).toMatchObject({ count: 1, mean: 28 });
    expect(inputs.text?.moments).toMatchObject({ count: 2, mean: 9, m2: 18 });
    expect(inputs.colour).toMatchObject({
      histogram: [2, 0, 1],
      moments: { count: 3, missing: 1 },
    });
  });

  it("have predictions by label, and their confidences", () => {
    const bins = (at: number) => Array.from({ length: 20 }, (_, index) => Number(index === at));
    const { outputs } = foldAll(
      { outputs: { count: 1, labels: { a: 1 }, confidenceByLabel: { a: bins(19) } } },
      {
        outputs: {
          count: 2,
          labels: { a: 1, b: 1 },
          confidenceByLabel: { a: bins(19), b: bins(9) },
        },
      },
      { outputs: { count: 1, value: { count: 1, missing: 0, mean: 3, histogram: [1, 0] } } },
    );
    expect(outputs).toMatchObject({ count: 4, labels: { a: 2, b: 1 } });
    expect(outputs?.confidence.a?.[19]).toBe(2);
    expect(outputs?.confidence.b?.[9]).toBe(1);
    expect(outputs?.value).toMatchObject({ histogram: [1, 0], moments: { mean: 3 } });
  });

  it("have the confidences of rows, where these are all of the predictions", () => {
    const rows = [
      { label: "a", confidence: 1 },
      { label: "a", confidence: 0.05 },
      { label: "b" },
      { label: "__proto__", confidence: 0.5 },
    ];
    const { outputs } = foldAll({ outputs: { count: 4, labels: { a: 2, b: 1 }, rows } });
    expect(outputs?.confidence).toEqual({
      a: Array.from({ length: 20 }, (_, bin) => (bin === 19 || bin === 1 ? 1 : 0)),
    });
  });

  it("have a bounded number of inputs and labels, whatever their names are", () => {
    const many = Array.from({ length: 300 }, (_, index) => `name ${index}`);
    const names = ["__proto__", "constructor", "toString", ...many];
    const { inputs, outputs } = foldAll(
      ...names.map(
        (name): Statistics => ({
          inputs: [{ name, kind: "numeric", count: 1, missing: 0, mean: 1, deviation: 0 }],
          outputs: { count: 1, labels: JSON.parse(`{${JSON.stringify(name)}: 1}`) },
        }),
      ),
    );
    expect(Object.keys(inputs)).toHaveLength(128);
    expect(inputs.constructor).toMatchObject({ moments: { count: 1 } });
    expect(Object.keys(outputs?.labels ?? {})).toHaveLength(201);
    expect(outputs?.labels).toMatchObject({ constructor: 1, toString: 1 });
    expect(Object.values(outputs?.labels ?? {}).reduce((sum, count) => sum + count, 0)).toBe(303);
  });
});
