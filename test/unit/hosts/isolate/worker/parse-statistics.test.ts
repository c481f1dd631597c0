import { describe, expect, test } from "vitest";
import type { PublishedModel } from "../../../../../src/domain/published-model.ts";
import {
  parseStatistics,
  withKnownNames,
} from "../../../../../src/hosts/isolate/worker/parse-statistics.ts";
import { findModel } from "../../../../support/publish.ts";

const { manifest } = findModel("iris-logistic");
const model = {
  manifest,
  profile: { digest: "d", profile: { inputs: [], outputs: [] } },
} as unknown as PublishedModel;
const LENGTH = "sepal length (cm)";

const input = { name: LENGTH, kind: "numeric", count: 1, missing: 0, mean: 5 };
const outputs = { count: 1, labels: { setosa: 1 }, rows: [{ label: "setosa", confidence: 0.9 }] };
const valid = { inputs: [input], outputs, inferences: 1, profile: "d" };

test("statistics of an isolate are taken as they are sent", () => {
  expect(parseStatistics(valid)).toEqual(valid);
  expect(withKnownNames(parseStatistics(valid) ?? {}, model)).toEqual(valid);
  expect(parseStatistics(undefined)).toBeUndefined();
});

describe("what an engine that a model has broken may send is left out", () => {
  test.each([
    ["no object", "text"],
    ["another form", { ...valid, inputs: { name: LENGTH } }],
    ["counts that are none", { ...valid, inferences: -1 }],
    ["numbers that are none", { ...valid, inputs: [{ ...input, mean: "5" }] }],
    ["a field that nobody knows", { ...valid, secret: 1 }],
    ["too many features", { ...valid, inputs: Array.from({ length: 65 }, () => input) }],
  ])("%s", (_, value) => {
    expect(parseStatistics(value)).toBeUndefined();
  });

  test("features, labels and profiles that the version does not have", () => {
    const strange = {
      inputs: [input, { ...input, name: "another" }],
      outputs: { ...outputs, labels: { setosa: 1, another: 1 } },
      inferences: 1,
      profile: "another",
    };
    expect(withKnownNames(parseStatistics(strange) ?? {}, model)).toEqual({
      inputs: [input],
      outputs: undefined,
      inferences: 1,
      profile: undefined,
    });
  });
});
