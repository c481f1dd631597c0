import { expect, test } from "vitest";
import { viewExplanations } from "../../../../../packages/cli/src/explain/explanation-view.ts";
import { createOutput } from "../../../../../packages/cli/src/output.ts";

const OUTPUT = { ...createOutput(false), style: (_: unknown, text: string) => text };
const IRIS = {
  method: "linear",
  exact: true,
  space: "margin",
  base_value: 0.5,
  output: 3.25,
  output_names: ["setosa"],
  feature_names: ["petal length", "petal width", "sepal length"],
  data: [1.4, null, 5.1],
  values: [2, 1, -0.25],
  std_error: null,
  additivity_error: 0,
  runs: 0,
  seed: null,
};

test("each feature has a bar, the longest first, with what was given", () => {
  const lines = viewExplanations(OUTPUT, { ...IRIS, values: [-0.25, 1, 2] })?.split("\n");
  expect(lines?.[0]).toBe("setosa  margin 3.25 = 0.5 + 2.75");
  expect(lines?.slice(1)).toEqual([
    `sepal length = 5.1     +2     ${"█".repeat(24)}`,
    `petal width = missing  +1     ${"█".repeat(12)}`,
    `petal length = 1.4     -0.25  ${"░".repeat(3)}`,
  ]);
});

test("many features end with the sum of the others, and errors stand beside the bars", () => {
  const names = Array.from({ length: 14 }, (_, index) => `f${index}`);
  const view = viewExplanations(OUTPUT, {
    ...IRIS,
    feature_names: names,
    data: names.map(() => 1),
    values: names.map((_, index) => 14 - index),
    std_error: names.map(() => 0.125),
  });
  const lines = view?.split("\n") ?? [];
  expect(lines).toHaveLength(12);
  expect(lines[1]).toMatch(/^f0 = 1 +\+14 +█+ +± 0\.125$/);
  expect(lines[11]).toMatch(/^4 others +\+10 +█+$/);
});

test("parts of a picture have no value that is missing", () => {
  const view = viewExplanations(OUTPUT, { ...IRIS, data: [null, null, null], map: {} });
  expect(view?.split("\n")[1]).toMatch(/^petal length {2}\+2 /);
});

test("several outputs, and several inputs, have a view each", () => {
  const two = {
    ...IRIS,
    base_value: [0, 1],
    output: [1, 0],
    output_names: ["a", "b"],
    values: [
      [1, -1],
      [0, 0],
      [0, 0],
    ],
  };
  expect(viewExplanations(OUTPUT, [two, IRIS])?.split("\n\n")).toHaveLength(3);
});

test.each([[{ method: "nearest", neighbors: [] }], [[]], [null], [{ values: 3 }]])(
  "%j has no view",
  (value) => {
    expect(viewExplanations(OUTPUT, value)).toBeUndefined();
  },
);
