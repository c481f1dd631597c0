import { describe, expect, test } from "vitest";
import * as z from "zod";
import { inputStatisticsSchema } from "../../../../../src/domain/event/input-statistics.ts";
import { outputStatisticsSchema } from "../../../../../src/domain/event/output-statistics.ts";
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

const spread = { mean: 4.5, deviation: 1, histogram: [1, 2] };
const looked = { name: "a", count: 3, missing: 0 };
const gathered = {
  inputs: [
    { ...looked, kind: "numeric", mean: -1, deviation: 1, min: -3, max: 3, histogram: [0, 3] },
    { ...looked, kind: "category", counts: [1, 2] },
    { ...looked, kind: "text", characters: spread, histogram: [3], languages: { ja: 3 } },
    { ...looked, kind: "image", width: spread, height: spread, bytes: spread },
    { ...looked, kind: "audio", seconds: spread, bytes: spread },
  ],
  outputs: {
    count: 2,
    labels: { yes: 2 },
    rows: [{ label: "yes", confidence: 0.5, entropy: 0.1, value: -2 }, {}],
    confidence: [1, 1],
    confidenceByLabel: { yes: [2] },
    entropy: { mean: 0.5 },
    value: { count: 2, missing: 0, mean: 1, deviation: 0, min: 0, max: 1, histogram: [2] },
  },
  inferences: 2,
  profile: "ab",
};

/** Each property, item and value of it replaced or removed, one at a time, and a property added to each object. */
function* changesOf(value: unknown): Generator<unknown> {
  for (const other of [undefined, null, "text", -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, []])
    yield other;
  yield {};
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries())
      for (const change of changesOf(item)) yield value.with(index, change);
    return;
  }
  yield { ...value, unknown: 1 };
  for (const [name, item] of Object.entries(value)) {
    const { [name]: _, ...others } = value as Readonly<Record<string, unknown>>;
    yield others;
    for (const change of changesOf(item)) yield { ...value, [name]: change };
  }
}

test("statistics are refused where the schema of events refuses them, whatever is changed", () => {
  const schema = z.strictObject({
    inputs: z.array(inputStatisticsSchema).max(64).optional(),
    outputs: outputStatisticsSchema.optional(),
    inferences: z.int().min(0).optional(),
    profile: z.string().max(64).optional(),
  });
  expect(parseStatistics(gathered)).toEqual(gathered);
  const verdicts = { taken: 0, refused: 0 };
  for (const changed of changesOf(gathered)) {
    if (changed === undefined) continue;
    const isValid = schema.safeParse(changed).success;
    verdicts[isValid ? "taken" : "refused"]++;
    if ((parseStatistics(changed) !== undefined) !== isValid)
      throw new Error(`${isValid ? "refused" : "taken"}: ${JSON.stringify(changed)}`);
  }
  expect(verdicts.taken).toBeGreaterThan(100);
  expect(verdicts.refused).toBeGreaterThan(400);
});
