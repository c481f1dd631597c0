import { expect, test } from "vitest";
import { toSaliencies } from "../../../src/protocols/kserve/saliencies.ts";

const EXPLANATION = {
  method: "kernel",
  feature_names: ["age", "bmi", "sex"],
  values: [0.1, -2, 1],
  std_error: [0.01, 0.2, 0],
};

test("features have their scores, the largest first, and their standard errors", () => {
  expect(toSaliencies(EXPLANATION)).toEqual({
    SHAP: {
      saliencies: {
        "outputs-0": [
          { name: "bmi", score: -2, confidence: 0.2 },
          { name: "sex", score: 1, confidence: 0 },
          { name: "age", score: 0.1, confidence: 0.01 },
        ],
      },
    },
  });
});

test("each output has scores of its own, and those of LIME are under its name", () => {
  const values = [
    [1, 0],
    [0, -3],
    [2, 1],
  ];
  const several = { ...EXPLANATION, method: "lime", values, std_error: null };
  expect(toSaliencies(several)).toEqual({
    LIME: {
      saliencies: {
        "outputs-0": [
          { name: "sex", score: 2, confidence: 0 },
          { name: "age", score: 1, confidence: 0 },
          { name: "bmi", score: 0, confidence: 0 },
        ],
        "outputs-1": [
          { name: "bmi", score: -3, confidence: 0 },
          { name: "sex", score: 1, confidence: 0 },
          { name: "age", score: 0, confidence: 0 },
        ],
      },
    },
  });
});

test.each([
  [{ ...EXPLANATION, method: "occlusion" }],
  [{ method: "nearest", neighbors: [] }],
  [undefined],
])("%j has no scores of that form", (explanation) => {
  expect(toSaliencies(explanation)).toEqual({});
});
