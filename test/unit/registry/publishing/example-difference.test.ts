import { describe, expect, test } from "vitest";
import {
  describeDifference,
  findDifference,
} from "../../../../src/registry/publishing/example-difference.ts";

const SCORES = [
  { label: "a", score: 0.6 },
  { label: "b", score: 0.4 },
];

describe("answers", () => {
  test.each<[string, unknown, unknown]>([
    ["numbers within the tolerance", [1.0009], [1]],
    ["texts", [{ generated_text: "x" }], [{ generated_text: "x" }]],
    ["nested vectors", [[[1, 2.0005]]], [[[1, 2]]]],
    ["fields that the example does not have", { text: "x", chunks: [] }, { text: "x" }],
    ["null", [null], [null]],
  ])("with %s are the same", (_, actual, expected) => {
    expect(findDifference(actual, expected, 0.001, "regression")).toBeUndefined();
  });

  test.each<[string, unknown, unknown, string]>([
    ["another number", [1, 2.1], [1, 2], "[1]"],
    ["another length", [1], [1, 2], ""],
    ["another text", [{ text: "x" }], [{ text: "y" }], "[0].text"],
    ["a missing field", { speech: [] }, { speech: [], probabilities: [0.5] }, "probabilities"],
    ["another box", [{ box: { xmin: 1 } }], [{ box: { xmin: 2 } }], "[0].box.xmin"],
    ["a text for a number", ["1"], [1], "[0]"],
    ["not a number", [Number.NaN], [1], "[0]"],
  ])("with %s differ there", (_, actual, expected, path) => {
    expect(findDifference(actual, expected, 0.001, "regression")?.path).toBe(path);
  });
});

describe("labels", () => {
  test("whose scores are close may be in another order", () => {
    const close = [
      { label: "b", score: 0.5001 },
      { label: "a", score: 0.4999 },
    ];
    const expected = [
      { label: "a", score: 0.5 },
      { label: "b", score: 0.5 },
    ];
    expect(findDifference(close, expected, 0.001, "classification")).toBeUndefined();
    expect(findDifference(close, expected, 0.00001, "classification")).toBeDefined();
  });

  test.each<[string, unknown]>([
    ["of another score", [SCORES[0], { label: "b", score: 0.41 }]],
    ["of another name", [SCORES[0], { label: "c", score: 0.4 }]],
    [
      "that were exchanged",
      [
        { label: "b", score: 0.6 },
        { label: "a", score: 0.4 },
      ],
    ],
    ["that are missing", [SCORES[0]]],
  ])("%s differ", (_, actual) => {
    expect(findDifference(actual, SCORES, 0.001, "classification")).toBeDefined();
  });
});

test("a difference is described by both answers", () => {
  const difference = findDifference([0.5], [0.6], 0.01, "regression");
  expect(difference && describeDifference(difference)).toBe(
    "the answer's [0] is 0.5, where the example has 0.6",
  );
});
