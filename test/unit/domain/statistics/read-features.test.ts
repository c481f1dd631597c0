import { expect, test } from "vitest";
import {
  readFeatures,
  readRows,
  readTextLengths,
} from "../../../../src/domain/statistics/read-features.ts";
import { RequestStatistics } from "../../../../src/domain/statistics/request-statistics.ts";
import { type Tensor, toBytes } from "../../../../src/domain/tensor.ts";
import { findModel } from "../../../support/publish.ts";

function fp32(name: string, shape: readonly number[], values: readonly number[]): Tensor {
  return { name, datatype: "FP32", shape, data: toBytes(Float32Array.from(values)) };
}

test("the features of a profile have the names and values of those of requests", () => {
  const { manifest } = findModel("iris-logistic");
  const rows = 2000;
  const values = Array.from({ length: rows * 4 }, (_, at) => at % 97);
  const tensors = [fp32("features", [rows, 4], values)];
  const features = readFeatures(manifest, tensors);
  const statistics = new RequestStatistics({ manifest });
  statistics.inputs(tensors);
  expect(features.map(({ name, kind }) => [name, kind])).toEqual(
    statistics.finish().inputs?.map(({ name, kind }) => [name, kind]),
  );
  // All of them, where a request's statistics look at a thousand.
  for (const [column, feature] of features.entries())
    expect(feature.values).toEqual(values.filter((_, at) => at % 4 === column));
});

test("numbers that stand for names are names", () => {
  const { manifest } = findModel("penguins-gradient-boosting");
  if (manifest.preprocess?.type !== "tabular") throw new Error("another block");
  const { columns, categories, input } = manifest.preprocess;
  const [column = "", names = []] = Object.entries(categories)[0] ?? [];
  const row = columns.map((name) => (name === column ? 1 : 0));
  const features = readFeatures(manifest, [fp32(input, [1, columns.length], row)]);
  expect(features.find(({ name }) => name === column)).toEqual({
    name: column,
    kind: "category",
    values: [names[1]],
  });
});

test("all rows of outputs are read", () => {
  const { manifest } = findModel("iris-logistic");
  const rows = 3000;
  const scores = Array.from({ length: rows }, (_, row) => (row % 2 ? [0, 0.25, 0.75] : [1, 0, 0]));
  const read = readRows(manifest, [fp32("probabilities", [rows, 3], scores.flat())]);
  expect(read).toHaveLength(rows);
  expect(read.slice(0, 2)).toEqual([
    { label: "setosa", score: 1 },
    { label: "virginica", score: 0.75 },
  ]);
  const { manifest: ridge } = findModel("diabetes-ridge");
  expect(readRows(ridge, [fp32("prediction", [2, 1], [50, 60])])).toEqual([
    { value: 50 },
    { value: 60 },
  ]);
});

test("texts have their lengths, in whatever form a request has them", () => {
  expect(readTextLengths(["a", "bcd"]).values).toEqual([1, 3]);
  expect(readTextLengths({ source_sentence: "ab", sentences: ["c", ""] }).values).toEqual([
    2, 1, 0,
  ]);
});
