import { describe, expect, test } from "vitest";
import type { InputStatistics } from "../../../../src/domain/event.ts";
import type { Manifest } from "../../../../src/domain/manifest.ts";
import type {
  KnownProfile,
  ReferenceFeature,
} from "../../../../src/domain/monitoring/reference-profile.ts";
import { RequestStatistics } from "../../../../src/domain/statistics/request-statistics.ts";
import { type NumericTensor, type Tensor, toBytes } from "../../../../src/domain/tensor.ts";
import { findModel } from "../../../support/publish.ts";

const { manifest: iris } = findModel("iris-logistic");
const COLUMNS = [
  "sepal length (cm)",
  "sepal width (cm)",
  "petal length (cm)",
  "petal width (cm)",
] as const;

function fp32(name: string, shape: readonly number[], values: readonly number[]): NumericTensor {
  return { name, datatype: "FP32", shape, data: toBytes(Float32Array.from(values)) };
}

function profileOf(inputs: readonly ReferenceFeature[], outputs: readonly ReferenceFeature[] = []) {
  const profile = { schemaVersion: 1, inputs, outputs } as unknown as KnownProfile["profile"];
  return { digest: "a".repeat(32), profile };
}

function numeric(name: string, edges: readonly number[]): ReferenceFeature {
  return { name, kind: "numeric", edges } as unknown as ReferenceFeature;
}

function gather(
  manifest: Manifest,
  inputs: readonly Tensor[],
  profile?: KnownProfile,
): readonly InputStatistics[] {
  const statistics = new RequestStatistics({ manifest, ...(profile && { profile }) });
  statistics.inputs(inputs);
  return statistics.finish().inputs ?? [];
}

/** Every 15th row of scikit-learn's `load_iris`. */
const ROWS = [
  5.1, 3.5, 1.4, 0.2, 5.7, 4.4, 1.5, 0.4, 4.8, 3.1, 1.6, 0.2, 4.8, 3.0, 1.4, 0.3, 5.0, 2.0, 3.5,
  1.0, 6.6, 3.0, 4.4, 1.4, 5.5, 2.6, 4.4, 1.2, 7.6, 3.0, 6.6, 2.1, 6.9, 3.2, 5.7, 2.3, 7.7, 3.0,
  6.1, 2.3,
];

describe("rows of a table", () => {
  test("have the mean and the deviation of each column, as NumPy has them", () => {
    const gathered = gather(iris, [fp32("features", [10, 4], ROWS)]);
    expect(gathered.map(({ name }) => name)).toEqual(COLUMNS);
    // numpy 2 over float32 in double precision: mean(), std(), min(), max()
    const expected = [
      [5.969999980926514, 1.0789345885028054, 4.800000190734863, 7.699999809265137],
      [3.0799999952316286, 0.5793099646089457, 2, 4.400000095367432],
      [3.659999978542328, 1.9749430015885978, 1.399999976158142, 6.599999904632568],
      [1.1399999856948853, 0.8199999724946375, 0.20000000298023224, 2.299999952316284],
    ];
    for (const [column, [mean, deviation, min, max]] of expected.entries())
      expect(gathered[column]).toMatchObject({
        kind: "numeric",
        count: 10,
        missing: 0,
        mean: expect.closeTo(mean as number, 12),
        deviation: expect.closeTo(deviation as number, 12),
        min,
        max,
      });
  });

  test("are counted by the bins of the reference profile, as numpy.searchsorted does", () => {
    const profile = profileOf([numeric(COLUMNS[0], [5.0, 5.5, 6.1])]);
    const [length, width] = gather(iris, [fp32("features", [10, 4], ROWS)], profile);
    expect(length).toMatchObject({ histogram: [3, 2, 1, 4] });
    expect(width).toMatchObject({ histogram: undefined });
  });

  test("of two runs are those of both together", () => {
    const statistics = new RequestStatistics({ manifest: iris });
    statistics.inputs([fp32("features", [4, 4], ROWS.slice(0, 16))]);
    statistics.inputs([fp32("features", [6, 4], ROWS.slice(16))]);
    const [length] = statistics.finish().inputs ?? [];
    expect(length).toMatchObject({ count: 10, mean: expect.closeTo(5.969999980926514, 12) });
  });

  test("with NaN and infinity have missing values, and no mean of none", () => {
    const rows = [Number.NaN, Number.POSITIVE_INFINITY, 1, 1, Number.NaN, 2, 1, 1];
    const [length, width] = gather(iris, [fp32("features", [2, 4], rows)]);
    expect(length).toEqual({ name: COLUMNS[0], kind: "numeric", count: 0, missing: 2 });
    expect(width).toMatchObject({ count: 1, missing: 1, mean: 2, deviation: 0 });
  });

  test("by the thousand are looked at in places that are evenly spaced", () => {
    const rows = Array.from({ length: 40_000 }, (_, at) => Math.floor(at / 4));
    const [length] = gather(iris, [fp32("features", [10_000, 4], rows)]);
    expect(length).toMatchObject({ count: 1000, mean: 4995, min: 0, max: 9990 });
  });
});

describe("other tensors", () => {
  const input = (shape: readonly (number | string)[], datatype = "FP32") =>
    ({ ...iris, preprocess: undefined, inputs: [{ name: "x", datatype, shape }] }) as Manifest;

  test.each<[what: string, shape: (number | string)[], actual: number[], names: string[]]>([
    ["of a fixed number of columns", ["batch", 3], [2, 3], ["x[0]", "x[1]", "x[2]"]],
    ["of one column", ["batch", 1], [6, 1], ["x"]],
    ["of one dimension", ["batch"], [6], ["x"]],
    ["of any number of columns, such as tokens", ["batch", "tokens"], [2, 3], ["x"]],
    ["of more dimensions", ["batch", 3, 2], [1, 3, 2], ["x"]],
    ["of 65 columns", ["batch", 65], [1, 65], ["x"]],
  ])("%s", (_, shape, actual, names) => {
    const length = actual.reduce((product, size) => product * size, 1);
    const values = Array.from({ length }, (__, at) => at);
    const gathered = gather(input(shape), [fp32("x", actual, values)]);
    expect(gathered.map(({ name }) => name)).toEqual(names);
    expect(gathered.reduce((sum, { count }) => sum + count, 0)).toBe(length);
  });

  test("of INT64 are numbers too", () => {
    const data = toBytes(BigInt64Array.from([1n, 3n]));
    const [x] = gather(input(["batch"], "INT64"), [
      { name: "x", datatype: "INT64", shape: [2], data },
    ]);
    expect(x).toMatchObject({ count: 2, mean: 2, deviation: 1 });
  });

  test("of strings are texts, or categories where the profile has some", () => {
    const manifest = input(["batch"], "BYTES");
    const tensor: Tensor = { name: "x", datatype: "BYTES", shape: [3], data: ["red", "blue", "?"] };
    expect(gather(manifest, [tensor])).toMatchObject([
      { kind: "text", count: 3, languages: { "und-Latn": 2, und: 1 } },
    ]);
    const reference = { name: "x", kind: "category", categories: ["blue", "green", "red"] };
    const profile = profileOf([reference as unknown as ReferenceFeature]);
    expect(gather(manifest, [tensor], profile)).toMatchObject([
      { kind: "category", count: 3, missing: 0, counts: [1, 0, 1, 1] },
    ]);
  });

  test("that the model does not have, and those of a feature too many, are not looked at", () => {
    expect(gather(input(["batch"]), [fp32("y", [1], [1])])).toEqual([]);
    const inputs = Array.from({ length: 70 }, (_, at) => ({
      name: `x${at}`,
      datatype: "FP32" as const,
      shape: ["batch", 1],
    }));
    const manifest = { ...iris, preprocess: undefined, inputs } as Manifest;
    const tensors = inputs.map(({ name }) => fp32(name, [1, 1], [1]));
    expect(gather(manifest, tensors)).toHaveLength(64);
  });
});

test("a column of names is counted by the categories of the profile, in whatever order", () => {
  const { manifest } = findModel("penguins-gradient-boosting");
  if (manifest.preprocess?.type !== "tabular") throw new Error("another block");
  const { columns, categories } = manifest.preprocess;
  const column = Object.keys(categories)[0] ?? "";
  const names = categories[column] ?? [];
  const at = columns.indexOf(column);
  const row = columns.map((_, index) => (index === at ? names.length - 1 : 0));
  const input = manifest.inputs[0]?.name ?? "";
  const reversed = names.toReversed();
  const reference = { name: column, kind: "category", categories: reversed };
  const profile = profileOf([reference as unknown as ReferenceFeature]);
  const tensor = fp32(input, [1, columns.length], row);
  expect(gather(manifest, [tensor], profile)[at]).toEqual({
    name: column,
    kind: "category",
    count: 1,
    missing: 0,
    counts: [1, ...new Array(names.length).fill(0)],
  });
  expect(gather(manifest, [tensor])[at]).toEqual({
    name: column,
    kind: "category",
    count: 1,
    missing: 0,
  });
});
