import { describe, expect, test } from "vitest";
import type { Manifest } from "../../../../src/domain/manifest.ts";
import type { KnownProfile } from "../../../../src/domain/monitoring/reference-profile.ts";
import { createOutputGatherer } from "../../../../src/domain/statistics/gather-outputs.ts";
import { type Tensor, toBytes } from "../../../../src/domain/tensor.ts";
import { findModel } from "../../../support/publish.ts";

const { manifest: iris } = findModel("iris-logistic");

function fp64(name: string, shape: readonly number[], values: readonly number[]): Tensor {
  return { name, datatype: "FP64", shape, data: toBytes(Float64Array.from(values)) };
}

function outputs(manifest: Manifest, tensor: Tensor, profile?: KnownProfile) {
  const gatherer = createOutputGatherer({ manifest, ...(profile && { profile }) });
  gatherer?.tensors([tensor]);
  return gatherer?.statistics();
}

function classifier(activation: "none" | "softmax" | "sigmoid", labels: readonly string[]) {
  const postprocess = { type: "classification", version: 1, scores: "s", activation };
  return { ...iris, postprocess, labels } as unknown as Manifest;
}

const bins = (...filled: number[]) =>
  Array.from({ length: 20 }, (_, bin) => filled.filter((each) => each === bin).length);

describe("classification", () => {
  // Probabilities and entropies by NumPy and scipy.stats.entropy.
  test("of logits has the softmax's confidence and entropy", () => {
    const logits = [2, -1, 0.5, 0.1, 0.2, 0.3, -5, 3, -2];
    expect(outputs(classifier("softmax", ["a", "b", "c"]), fp64("s", [3, 3], logits))).toEqual({
      count: 3,
      labels: { a: 1, c: 1, b: 1 },
      rows: [
        {
          label: "a",
          confidence: expect.closeTo(0.7855970345892759, 12),
          entropy: expect.closeTo(0.6215846046792745, 12),
        },
        {
          label: "c",
          confidence: expect.closeTo(0.3671654011109255, 12),
          entropy: expect.closeTo(1.0952872686537243, 12),
        },
        {
          label: "b",
          confidence: expect.closeTo(0.9929762720777151, 12),
          entropy: expect.closeTo(0.043166469311518185, 12),
        },
      ],
      entropy: {
        mean: expect.closeTo((0.6215846046792745 + 1.0952872686537243 + 0.043166469311518185) / 3),
      },
    });
  });

  test("of more rows than are told by themselves is counted by confidence and label", () => {
    const logits = Array.from({ length: 6 }, () => [2, -1, 0.5, 0.1, 0.2, 0.3, -5, 3, -2]).flat();
    const times = (bin: number) => bins(...new Array(6).fill(bin));
    expect(
      outputs(classifier("softmax", ["a", "b", "c"]), fp64("s", [18, 3], logits)),
    ).toMatchObject({
      count: 18,
      labels: { a: 6, c: 6, b: 6 },
      confidence: bins(...new Array(6).fill([15, 7, 19]).flat()),
      confidenceByLabel: { a: times(15), c: times(7), b: times(19) },
      entropy: {
        mean: expect.closeTo(
          (0.6215846046792745 + 1.0952872686537243 + 0.043166469311518185) / 3,
          12,
        ),
      },
    });
  });

  test("of probabilities has them as they are", () => {
    const probabilities = [0.7, 0.2, 0.1, 0.05, 0.9, 0.05];
    expect(
      outputs(classifier("none", ["a", "b", "c"]), fp64("s", [2, 3], probabilities)),
    ).toMatchObject({
      rows: [
        { label: "a", confidence: 0.7, entropy: expect.closeTo(0.8018185525433373, 12) },
        { label: "b", confidence: 0.9, entropy: expect.closeTo(0.39439769144744274, 12) },
      ],
    });
  });

  test("of two labels may have the probability of the second one alone", () => {
    const probabilities = [0.3, 0.85];
    expect(
      outputs(classifier("none", ["no", "yes"]), fp64("s", [2, 1], probabilities)),
    ).toMatchObject({
      labels: { no: 1, yes: 1 },
      rows: [
        { label: "no", confidence: 0.7, entropy: expect.closeTo(0.6108643020548935, 12) },
        { label: "yes", confidence: 0.85, entropy: expect.closeTo(0.4227090878059909, 12) },
      ],
    });
    expect(outputs(classifier("sigmoid", ["no", "yes"]), fp64("s", [1], [1.5]))).toMatchObject({
      rows: [
        {
          label: "yes",
          confidence: expect.closeTo(0.8175744761936437, 12),
          entropy: expect.closeTo(0.47505156369228696, 12),
        },
      ],
    });
  });

  test("of scores that are no probabilities has labels alone", () => {
    const statistics = outputs(classifier("none", ["a", "b"]), fp64("s", [1, 2], [3, -4]));
    expect(statistics).toMatchObject({ labels: { a: 1 }, rows: [{ label: "a" }] });
    expect(statistics?.confidence).toBeUndefined();
    expect(statistics?.rows?.[0]?.confidence).toBeUndefined();
    const nan = outputs(classifier("softmax", ["a", "b"]), fp64("s", [1, 2], [Number.NaN, 1]));
    expect(JSON.stringify(nan)).not.toContain("null");
  });

  test("of many rows tells the first sixteen, and counts others in places", () => {
    const scores = Array.from({ length: 20_000 }, (_, row) => (row < 19_984 ? [0.9, 0.1] : [0, 1]));
    const statistics = outputs(
      classifier("none", ["a", "b"]),
      fp64("s", [20_000, 2], scores.flat()),
    );
    expect(statistics?.count).toBe(20_000);
    expect(statistics?.rows).toHaveLength(16);
    expect(statistics?.labels?.a).toBeGreaterThan(980);
  });

  test("of another number of scores than labels has no rows", () => {
    const statistics = outputs(classifier("none", ["a", "b"]), fp64("s", [1, 3], [1, 0, 0]));
    expect(statistics).toMatchObject({ count: 0 });
  });
});

test("a cluster's label is that of the nearest centre", () => {
  const { manifest } = findModel("iris-kmeans");
  if (manifest.postprocess?.type !== "clustering") throw new Error("another block");
  const distances = fp64(manifest.postprocess.distances, [2, 3], [3, 1, 2, 0.5, 1, 2]);
  const labels = manifest.labels ?? ["0", "1", "2"];
  expect(outputs(manifest, distances)).toMatchObject({
    count: 2,
    rows: [{ label: labels[1] }, { label: labels[0] }],
  });
});

test("numbers that are predicted have the bins of the profile", () => {
  const { manifest } = findModel("diabetes-ridge");
  const profile = {
    digest: "a",
    profile: { inputs: [], outputs: [{ name: "value", kind: "numeric", edges: [100, 200] }] },
  } as unknown as KnownProfile;
  const predictions = fp64("prediction", [4, 1], [50, 150, 200, 300]);
  expect(outputs(manifest, predictions, profile)).toMatchObject({
    count: 4,
    rows: [{ value: 50 }, { value: 150 }, { value: 200 }, { value: 300 }],
    // numpy: mean 175, std 90.13878188659973
    value: {
      count: 4,
      missing: 0,
      mean: 175,
      deviation: expect.closeTo(90.13878188659973, 10),
      min: 50,
      max: 300,
      histogram: [1, 2, 1],
    },
  });
});

test("a model without labels and numbers has no statistics of outputs", () => {
  const { manifest } = findModel("sentence-embeddings");
  expect(createOutputGatherer({ manifest })).toBeUndefined();
});
