import { beforeAll, describe, expect, test } from "vitest";
import { Media } from "../../../../src/domain/media.ts";
import { expectedParts, explain, furthest } from "../../../support/explained-parts.ts";
import { readImage } from "../../../support/images.ts";
import { findModel } from "../../../support/publish.ts";
import { type ServedVersion, servedVersion } from "../../../support/served-version.ts";
import { stubWorkersGlobals } from "../../../support/workers-globals.ts";

/** Explanations of pictures against the same models in ONNX Runtime, as recipes/explained_parts_fixtures.py computed them. */

let digits: ServedVersion;
let faces: ServedVersion;
let photographs: ServedVersion;
beforeAll(() => {
  stubWorkersGlobals();
  digits = servedVersion(findModel("digits-cnn"));
  faces = servedVersion(findModel("face-detection"));
  photographs = servedVersion(findModel("imagenet-classification"));
});

describe("an array of numbers that is a picture", () => {
  const { inputs, mean, blur, shapley } = expectedParts.digits;

  test.each([
    ["mean", mean],
    ["blur", blur],
  ] as const)("has the occluded pixels of Python, filled by %s", async (fill, expected) => {
    const answer = await explain(digits, "occlusion", inputs, { fill });
    expect(answer).toMatchObject({ output_names: ["1"], runs: 66, map: { rows: 8, columns: 8 } });
    expect(furthest(answer.values, expected.values)).toBeLessThan(0.003);
    expect(answer.map.values.flat()).toEqual(answer.values);
    expect(answer.output).toBeCloseTo(expected.output, 3);
    expect(answer.base_value).toBeCloseTo(expected.base_value, 2);
  });

  test("has the Shapley values of shap over its cells", async () => {
    const parameters = { grid: shapley.grid, fill: "mean" };
    const answer = await explain(digits, "shapley", inputs, parameters);
    expect(answer).toMatchObject({ exact: true, runs: 256, map: { rows: 4, columns: 2 } });
    expect(furthest(answer.values, shapley.values)).toBeLessThan(0.005);
  });

  test("has the coefficients of the package lime over its cells, within three deviations", async () => {
    const { grid, samples, values, std } = expectedParts.digits.lime;
    const answer = await explain(digits, "lime", inputs, { grid, fill: "mean", samples });
    for (const [at, value] of values.entries()) {
      const deviation = Math.hypot(std[at] ?? 0, answer.std_error?.[at] ?? 0);
      expect(Math.abs((answer.values[at] ?? Number.NaN) - value)).toBeLessThan(3 * deviation);
    }
    expect(Math.max(...std)).toBeLessThan(Math.max(...values) / 3);
  });

  test("is a row of numbers for methods that have background rows, unless it is divided", async () => {
    await expect(explain(digits, "kernel", inputs)).rejects.toMatchObject({
      code: "background_missing",
    });
    const answer = await explain(digits, "kernel", inputs, { grid: [2, 2] });
    expect(answer.feature_names).toHaveLength(4);
  });
});

describe("a photograph", () => {
  const { file, grid, label, blur } = expectedParts.imagenet;
  const inputs = new Media("image/webp", readImage(file));
  const name = findModel("imagenet-classification").manifest.labels?.[label];

  test("has the occluded cells of Python", async () => {
    const answer = await explain(photographs, "occlusion", inputs, { grid });
    expect(answer.output_names).toEqual([name]);
    // Int8: a level of one pixel that is rounded in another way changes it as well.
    expect(furthest(answer.values, blur.values)).toBeLessThan(0.02);
    expect(answer.map).toMatchObject({ rows: 3, columns: 3, box: { ymin: 12.5, ymax: 187.5 } });
  });

  test("has no maps of a thousand outputs whose points are many", async () => {
    const all = explain(photographs, "occlusion", inputs, { grid: [32, 32] }, { output: "all" });
    await expect(all).rejects.toThrow(
      "The maps of all outputs would have 1024000 numbers, and an answer has 200000 at most",
    );
  });

  test("is divided into superpixels that cover it, each in one piece", async () => {
    const answer = await explain(photographs, "lime", inputs, { segments: 6 }, { maxRuns: 12 });
    const labels = answer.segments.flat();
    expect(labels).toHaveLength(56 * 56);
    expect(new Set(labels)).toEqual(new Set(answer.feature_names.map((_, at) => at)));
    expect(answer.map.values[0]?.[0]).toBe(answer.values[answer.segments[0]?.[0] ?? -1]);
    expect(answer).toMatchObject({ method: "lime", exact: false, seed: 0 });
    expect(answer.runs).toBeLessThanOrEqual(12);
  });
});

describe("objects that are detected", () => {
  const { file, grid, box, mean } = expectedParts.faces;
  const inputs = new Media("image/png", readImage(file));

  test("have the occluded cells of Python, box by box", async () => {
    const answer = await explain(faces, "occlusion", inputs, { grid, fill: "mean" });
    const [face, ...others] = answer.explanations;
    expect(others).toEqual([]);
    expect(answer).toMatchObject({ method: "occlusion", space: "probability", runs: 18 });
    expect(face).toMatchObject({ label: "face", output_names: ["face"] });
    expect(furthest(Object.values(face?.box ?? {}), box)).toBeLessThan(0.1);
    expect(furthest(face?.values ?? [], mean.values)).toBeLessThan(0.005);
  });

  test("are one explanation where one of them is asked for", async () => {
    const answer = await explain(faces, "occlusion", inputs, { grid: [1, 2] }, { output: 0 });
    expect(answer).toMatchObject({ label: "face", map: { rows: 1, columns: 2 }, runs: 4 });
  });

  test("are needed: a picture without any is refused", async () => {
    const empty = new Media("image/png", readImage("one-bit.png"));
    await expect(explain(faces, "occlusion", empty)).rejects.toThrow(
      "inputs is a picture in which the model detects nothing",
    );
  });
});

test("a picture that is divided in two ways is refused", async () => {
  const { inputs } = expectedParts.digits;
  await expect(explain(digits, "occlusion", inputs, { grid: [2, 2], segments: 4 })).rejects.toThrow(
    '"grid" and "segments" are two ways to divide a picture',
  );
});

describe("RISE", () => {
  const { inputs, rise } = expectedParts.digits;

  test("has the map of the masks of NumPy, within the errors of both", async () => {
    const answer = await explain(digits, "rise", inputs, { settled_at: 1 }, { maxRuns: 1002 });
    expect(answer).toMatchObject({ method: "rise", exact: false, runs: 1002, settled: false });
    const expected = rise.values.flat();
    const errors = rise.std_error.flat();
    const distances = answer.values.map((value, at) => {
      const error = Math.hypot(answer.std_error?.[at] ?? 0, errors[at] ?? 0);
      return Math.abs(value - (expected[at] ?? Number.NaN)) / error;
    });
    // Of 64 points that are not independent, a few are beyond three standard errors, and none is far.
    expect(Math.max(...distances)).toBeLessThan(4.5);
    expect(distances.filter((distance) => distance > 3).length).toBeLessThan(4);
  });

  test("stops when the map has settled, and is the same for the same seed", async () => {
    const settled = await explain(digits, "rise", inputs, { settled_at: 0.5 });
    expect(settled).toMatchObject({ settled: true, seed: 0 });
    expect(settled.runs).toBeLessThan(settled.planned);
    const again = await explain(digits, "rise", inputs, { settled_at: 0.5 });
    expect(again.values).toEqual(settled.values);
    const other = await explain(digits, "rise", inputs, { settled_at: 0.5 }, { seed: 1 });
    expect(other.values).not.toEqual(settled.values);
  });

  test("is refused for too few runs and for inputs that are no pictures", async () => {
    await expect(explain(digits, "rise", inputs, {}, { maxRuns: 5 })).rejects.toThrow(
      "The method rise needs 22 runs of the model at least, and may take 5",
    );
    const flowers = servedVersion(findModel("iris-logistic"));
    await expect(explain(flowers, "rise", [[1, 2, 3, 4]])).rejects.toMatchObject({
      code: "invalid_request",
    });
  });
});
