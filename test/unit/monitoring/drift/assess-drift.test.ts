import { describe, expect, test } from "vitest";
import type { Aggregate } from "../../../../src/domain/monitoring/aggregate.ts";
import type { DriftRules } from "../../../../src/domain/monitoring/drift-fields.ts";
import {
  toBinnedReference,
  toCategoryReference,
  toNumericReference,
} from "../../../../src/domain/monitoring/reference-feature.ts";
import type {
  KnownProfile,
  NumericReference,
  ReferenceFeature,
} from "../../../../src/domain/monitoring/reference-profile.ts";
import { assessDrift } from "../../../../src/monitoring/drift/assess-drift.ts";
import { mergeBins } from "../../../../src/monitoring/drift/merge-bins.ts";
import type { Bucket } from "../../../../src/monitoring/drift/windows.ts";
import { binOf } from "../../../../src/shared/bin-of.ts";
import { createSeededRandom } from "../../../../src/shared/random.ts";

const ID = { model: "m", version: "1" };
const OPTIONS: DriftRules = { level: 0.01, minEffect: 0.1, minRows: 500, minSeconds: 60 };
const random = createSeededRandom(8);

/** About normal: the sum of twelve uniform numbers (mean 0, deviation 1). */
function normals(count: number, mean = 0): number[] {
  return Array.from({ length: count }, () => {
    let sum = mean - 6;
    for (let i = 0; i < 12; i++) sum += random();
    return sum;
  });
}

function toProfile(
  inputs: readonly ReferenceFeature[],
  outputs: readonly ReferenceFeature[] = [],
  rows = 1_000_000,
): KnownProfile {
  const { model, version } = ID;
  return {
    digest: "d1",
    profile: {
      schemaVersion: 1,
      model,
      version,
      modelSha256: "0".repeat(64),
      rows,
      createdAt: "2026-11-30T00:00:00Z",
      inputs,
      outputs,
    },
  };
}

type Counted = Pick<Aggregate, "profile" | "inputs" | "outputs">;
/** No more values than rows. */
const inferences = 1_000_000;

function count({ edges }: NumericReference, values: readonly number[], missing = 0) {
  const histogram = new Array<number>(edges.length + 1).fill(0);
  for (const value of values)
    histogram[binOf(edges, value)] = (histogram[binOf(edges, value)] ?? 0) + 1;
  const moments = { count: values.length, missing, mean: 0, m2: 0 };
  return { kind: "numeric", moments, histogram } as const;
}

/** Of one minute each. */
function toBuckets(aggregates: readonly Counted[]): Bucket[] {
  return aggregates.map((aggregate, minute) => ({
    start: minute * 60_000,
    seconds: 60,
    aggregate: { inferences, ...aggregate },
  }));
}

describe("a model with two inputs", () => {
  const a = toNumericReference("a", normals(2000));
  const b = toNumericReference("b", normals(2000));
  const known = toProfile([a, b]);
  const bucket = (shift: number, rows = 500): Counted => ({
    profile: "d1",
    inputs: { a: count(a, normals(rows)), b: count(b, normals(rows, shift)) },
  });
  const assess = (...aggregates: Counted[]) =>
    assessDrift(ID, known, toBuckets(aggregates), OPTIONS);

  test("has not drifted while requests are as the reference", () => {
    const { status, windows } = assess(bucket(0), bucket(0), bucket(0));
    expect(status).toBe("none");
    expect(windows.map(({ complete, rows }) => ({ complete, rows }))).toEqual(
      Array.from({ length: 3 }, () => ({ complete: true, rows: 500 })),
    );
  });

  test("is suspected after one window in which an input has shifted, and has drifted after two", () => {
    const first = assess(bucket(0), bucket(0.5));
    expect(first.status).toBe("suspected");
    expect(first.features).toEqual([
      { side: "input", feature: "a", status: "none" },
      { side: "input", feature: "b", status: "suspected" },
    ]);
    const second = assess(bucket(0), bucket(0.5), bucket(0.5));
    expect(second.status).toBe("drift");
    const [newest] = second.windows;
    const found = newest?.features.find(({ feature }) => feature === "b");
    expect(found?.shift).toBeGreaterThan(0.35);
    expect(found?.shift).toBeLessThan(0.65);
    expect(found?.effect).toBeGreaterThanOrEqual(found?.shift ?? 1);
    expect(found?.tests.map(({ test: name }) => name)).toEqual(["psi", "ks", "rank_sum"]);
    for (const { value, threshold } of found?.tests ?? []) expect(value).toBeGreaterThan(threshold);
  });

  test("has not drifted any more after a window without a shift", () => {
    expect(assess(bucket(0.5), bucket(0.5), bucket(0)).status).toBe("none");
  });

  test("has not drifted when the inputs of two windows differ one after the other", () => {
    const other = {
      profile: "d1",
      inputs: { a: count(a, normals(500, 0.5)), b: count(b, normals(500)) },
    };
    expect(assess(bucket(0.5), other).status).toBe("suspected");
  });

  test("is not evaluated by fewer rows or less time than a window has", () => {
    const report = assess(bucket(0.5, 499));
    expect(report.status).toBe("insufficient");
    expect(report.windows).toMatchObject([{ rows: 499, complete: false }]);
    const long = assessDrift(ID, known, toBuckets([bucket(0.5), bucket(0.5)]), {
      ...OPTIONS,
      minSeconds: 300,
    });
    expect(long.windows).toMatchObject([{ rows: 1000, complete: false }]);
  });

  test("puts few rows of several minutes together, none of which is in two windows", () => {
    const { windows } = assess(...Array.from({ length: 11 }, () => bucket(0, 100)));
    expect(windows.map(({ rows }) => rows)).toEqual([100, 500, 500]);
    expect(windows.map(({ start, end }) => [start, end])).toEqual([
      [600_000, 660_000],
      [300_000, 600_000],
      [0, 300_000],
    ]);
  });

  test("ignores requests that were counted by the bins of another profile", () => {
    const other = { ...bucket(3), profile: "d2" };
    expect(assess(other, other, bucket(0)).windows).toHaveLength(1);
    const { profile: _, ...unknown } = bucket(3);
    expect(assess(unknown).status).toBe("insufficient");
  });

  test("does not count a difference that is certain and tiny", () => {
    const large = toNumericReference("a", normals(60_000));
    const counted = () => ({ profile: "d1", inputs: { a: count(large, normals(60_000, 0.05)) } });
    const buckets = toBuckets([counted(), counted()]);
    const report = assessDrift(ID, toProfile([large]), buckets, OPTIONS);
    expect(report.status).toBe("none");
    const [found] = report.windows[0]?.features ?? [];
    expect(found?.adjustedPValue).toBeLessThan(0.01);
    expect(found?.effect).toBeLessThan(0.1);
    expect(
      assessDrift(ID, toProfile([large]), buckets, { ...OPTIONS, minEffect: 0.02 }).status,
    ).toBe("drift");
  });

  test("has no status without a profile", () => {
    expect(assessDrift(ID, undefined, toBuckets([bucket(0)]), OPTIONS).status).toBe("no_profile");
  });
});

test("values that are missing more often than in the reference are drift, though the others are the same", () => {
  const reference = toNumericReference("a", [...normals(990), ...new Array(10).fill(Number.NaN)]);
  const counted = () => ({ profile: "d1", inputs: { a: count(reference, normals(400), 100) } });
  const report = assessDrift(
    ID,
    toProfile([reference]),
    toBuckets([counted(), counted()]),
    OPTIONS,
  );
  expect(report.status).toBe("drift");
  expect(report.windows[0]?.features).toMatchObject([{ missing: 100, rows: 500 }]);
});

test("when all values are missing, that is drift", () => {
  const reference = toNumericReference("a", normals(1000));
  const counted = () => ({ profile: "d1", inputs: { a: count(reference, [], 500) } });
  const report = assessDrift(
    ID,
    toProfile([reference]),
    toBuckets([counted(), counted()]),
    OPTIONS,
  );
  expect(report.status).toBe("drift");
});

test("a category that the reference did not have is drift", () => {
  const reference = toCategoryReference(
    "c",
    ["x", "y"],
    [...Array(1000).keys()].map((i) => i % 2),
  );
  const moments = { count: 500, missing: 0, mean: 0, m2: 0 };
  const counted = {
    profile: "d1",
    inputs: { c: { kind: "category", moments, histogram: [230, 230, 40] } },
  };
  const report = assessDrift(
    ID,
    toProfile([reference]),
    toBuckets([counted as Counted, counted as Counted]),
    OPTIONS,
  );
  expect(report.status).toBe("drift");
  expect(report.windows[0]?.features[0]?.shift).toBeUndefined();
});

test("pictures are compared by the means of their sizes", () => {
  const widths = toNumericReference(
    "image.width",
    normals(1000).map((each) => 640 + 20 * each),
  );
  const moments = (mean: number) => ({
    count: 500,
    missing: 0,
    mean,
    m2: 500 * 400,
    min: 1,
    max: 9,
  });
  const counted = (mean: number): Counted => ({
    profile: "d1",
    inputs: { "image.width": { kind: "image", moments: moments(mean) } },
  });
  const assess = (mean: number) =>
    assessDrift(ID, toProfile([widths]), toBuckets([counted(mean), counted(mean)]), OPTIONS);
  expect(assess(640).status).toBe("none");
  expect(assess(648).status).toBe("drift");
  const [found] = assess(648).windows[0]?.features ?? [];
  expect(found?.tests).toMatchObject([{ test: "mean" }]);
  expect(found?.shift).toBeCloseTo(0.4, 1);
});

test("pictures that all had one size and have another now are drift", () => {
  const widths = toNumericReference("image.width", new Array(100).fill(224));
  const moments = { count: 500, missing: 0, mean: 640, m2: 0 };
  const counted: Counted = { profile: "d1", inputs: { "image.width": { kind: "image", moments } } };
  const report = assessDrift(ID, toProfile([widths]), toBuckets([counted, counted]), OPTIONS);
  expect(report.status).toBe("drift");
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
});

test("of many values of each row so many count as there are rows", () => {
  const reference = toNumericReference("pixels", normals(64_000));
  // The values of a row depend on each other: few rows that differ a little are no evidence.
  const counted = { profile: "d1", inputs: { pixels: count(reference, normals(6400, 0.12)) } };
  const buckets = toBuckets([counted, counted]);
  const profile = toProfile([reference], [], 1000);
  const few = buckets.map((bucket) => ({
    ...bucket,
    aggregate: { ...bucket.aggregate, inferences: 100 },
  }));
  const rules = { ...OPTIONS, minRows: 100 };
  expect(assessDrift(ID, profile, few, rules).status).toBe("none");
  expect(assessDrift(ID, profile, few, rules).windows[0]?.rows).toBeCloseTo(100);
});

test("outputs are compared by their labels, confidences and values", () => {
  const half = Array.from({ length: 1000 }, (_, index) => index % 2);
  const edges = Array.from({ length: 19 }, (_, index) => (index + 1) / 20);
  const known = toProfile(
    [],
    [
      toCategoryReference("label", ["no", "yes"], half),
      toBinnedReference(
        "confidence",
        half.map((each) => 0.72 + each / 4),
        edges,
      ),
      toNumericReference("value", normals(1000)),
    ],
  );
  const bins = (bin: number, rows: number) => edges.concat(1).map((_, i) => (i === bin ? rows : 0));
  const value = known.profile.outputs[2] as NumericReference;
  const outputs = (yes: number) => ({
    count: 500,
    labels: { yes, no: 500 - yes },
    confidence: { yes: bins(19, 250), no: bins(14, 250) },
    value: count(value, normals(500, 0.6)),
  });
  const report = assessDrift(
    ID,
    known,
    toBuckets([400, 400].map((yes) => ({ profile: "d1", inputs: {}, outputs: outputs(yes) }))),
    OPTIONS,
  );
  expect(report.features).toEqual([
    { side: "output", feature: "label", status: "drift" },
    { side: "output", feature: "confidence", status: "none" },
    { side: "output", feature: "value", status: "drift" },
  ]);
});

test("of 400 windows without drift at most 2 % are suspected, with eight inputs and 50 rows", () => {
  let suspected = 0;
  for (let window = 0; window < 400; window++) {
    const references = Array.from({ length: 8 }, (_, index) =>
      toNumericReference(`x${index}`, normals(300)),
    );
    const inputs = Object.fromEntries(
      references.map((reference) => [reference.name, count(reference, normals(50))]),
    );
    const buckets = toBuckets([{ profile: "d1", inputs }]);
    const { status } = assessDrift(ID, toProfile(references), buckets, { ...OPTIONS, minRows: 50 });
    if (status !== "none") suspected += 1;
  }
  // The level is 1 %: more than 8 of 400 would happen in 2 % of all runs, and the numbers here are always the same.
  expect(suspected).toBeLessThanOrEqual(8);
});

test("bins are merged until each has enough rows, with their neighbours or, of categories, with all that are rare", () => {
  const samples = { reference: [100, 1, 1, 100, 0], window: [100, 1, 1, 100, 3] };
  expect(mergeBins(samples, true)).toEqual({ reference: [100, 102], window: [100, 105] });
  expect(mergeBins(samples, false)).toEqual({ reference: [100, 100, 2], window: [100, 100, 5] });
});
