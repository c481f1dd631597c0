import { expect, test } from "vitest";
import { type ExplainedInput, toExplanation } from "../../../src/explain/to-explanation.ts";

const INPUT: ExplainedInput = {
  method: "exact",
  exact: true,
  space: "output",
  outputs: { indices: [0], names: ["y"], isList: false },
  featureNames: ["a", "b"],
  data: [1, 2],
  base: [0.5],
  output: [3.25],
  values: [1, 2],
  runs: 4,
};

test("values of one output are numbers, with what they miss of the output", () => {
  expect(toExplanation(INPUT)).toMatchObject({
    base_value: 0.5,
    output: 3.25,
    values: [1, 2],
    std_error: null,
    additivity_error: 0.25,
    seed: null,
  });
});

test.each([
  { field: "values", changes: { values: [Number.NaN, 0] } },
  { field: "base_value", changes: { base: [Number.NEGATIVE_INFINITY] } },
  { field: "output", changes: { output: [Number.POSITIVE_INFINITY] } },
  { field: "std_error", changes: { standardErrors: [0, Number.NaN] } },
])("an explanation whose $field JSON cannot represent is refused", ({ field, changes }) => {
  expect(() => toExplanation({ ...INPUT, ...changes })).toThrow(
    expect.objectContaining({ code: "inference_failed", details: { field } }),
  );
});
