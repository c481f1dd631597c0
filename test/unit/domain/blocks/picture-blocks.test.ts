import { describe, expect, test } from "vitest";
import { parseManifest } from "../../../../src/domain/manifest.ts";

const IMAGE = {
  type: "image",
  version: 1,
  input: "x",
  resize: { mode: "exact", width: 20, height: 10, filter: "bilinear" },
  color: "RGB",
  layout: "NCHW",
};
const SEGMENTATION = { type: "image-segmentation", version: 1, output: "y", form: "logits" };

const manifest = (
  task: string,
  postprocess: object,
  shape: readonly unknown[],
  changes: object = {},
): Record<string, unknown> => ({
  schemaVersion: 1,
  name: "m",
  version: "1",
  task,
  format: "onnx",
  file: "model.onnx",
  files: [{ path: "model.onnx", sha256: "a".repeat(64), sizeBytes: 1 }],
  inputs: [{ name: "x", datatype: "FP32", shape: ["batch", 3, 10, 20] }],
  outputs: [{ name: "y", datatype: "FP32", shape }],
  preprocess: IMAGE,
  postprocess,
  createdAt: "2026-11-22T00:00:00Z",
  ...changes,
});

const segmentation = (
  shape: readonly unknown[],
  block: object = {},
  labels: readonly string[] | undefined = ["sky", "road"],
  datatype = "FP32",
): Record<string, unknown> =>
  manifest("image-segmentation", { ...SEGMENTATION, ...block }, shape, {
    labels,
    outputs: [{ name: "y", datatype, shape }],
  });

describe("a valid manifest of segmentation", () => {
  test.each<[string, Record<string, unknown>]>([
    ["logits in planes", segmentation(["batch", 2, 10, 20])],
    ["logits with the labels last", segmentation([1, "h", "w", 2], { layout: "NHWC" })],
    ["labels of pixels", segmentation(["batch", 10, 20], { form: "classes" }, ["a"], "INT64")],
    ["labels in one plane", segmentation([1, 1, 10, 20], { form: "classes" }, ["a"], "UINT8")],
    ["one matte", segmentation([1, 1, 10, 20], { form: "mattes", activation: "sigmoid" }, ["a"])],
    ["a matte without its dimension", segmentation([1, 10, 20], { form: "mattes" }, ["a"])],
    ["several mattes", segmentation([1, 2, 10, 20], { form: "mattes", maskThreshold: 0.5 })],
    ["an output of unknown rank", segmentation([])],
  ])("a manifest with %s is accepted", (_, value) => {
    expect(parseManifest(value).postprocess).toMatchObject({ type: "image-segmentation" });
  });
});

describe("an invalid manifest of segmentation", () => {
  test.each<[string, Record<string, unknown>, RegExp]>([
    [
      "planes for other labels",
      segmentation(["batch", 3, 10, 20]),
      /must have length 3, one label for each value of "y"; it has 2\s+→ at labels/,
    ],
    [
      "several planes of labels",
      segmentation([1, 2, 10, 20], { form: "classes" }, ["a"], "INT64"),
      /"y" must have the shape \[batch, 1, rows, columns\] or \[batch, rows, columns\]; it has \[1, 2, 10, 20\]/,
    ],
    [
      "labels as floats",
      segmentation([1, 10, 20], { form: "classes" }),
      /"y" must be UINT8 or .* INT64; it is FP32\s+→ at postprocess\.output/,
    ],
    [
      "logits without planes",
      segmentation(["batch", 10, 20]),
      /must have the shape \[batch, labels, rows, columns\]/,
    ],
    [
      "a softmax of mattes",
      segmentation([1, 2, 10, 20], { form: "mattes", activation: "softmax" }),
      /must be none or sigmoid for mattes; it is softmax\s+→ at postprocess\.activation/,
    ],
    [
      "an activation of labels",
      segmentation([1, 10, 20], { form: "classes", activation: "sigmoid" }, ["a"], "INT64"),
      /must be none for classes; it is sigmoid/,
    ],
    [
      "a threshold for the masks of logits",
      segmentation([1, 2, 10, 20], { maskThreshold: 0.5 }),
      /is for mattes; the form is logits\s+→ at postprocess\.maskThreshold/,
    ],
    ["no labels", segmentation([1, 2, 10, 20], {}, []), /image-segmentation needs labels/],
    [
      "an ignored label that is none",
      segmentation([1, 2, 10, 20], { ignoreLabels: ["sea"] }),
      /must be one of labels \("sky", "road"\); it is "sea"/,
    ],
    [
      "no label that is not ignored",
      segmentation([1, 2, 10, 20], { ignoreLabels: ["sky", "road"] }),
      /must leave at least one of labels/,
    ],
    [
      "an output that the model does not have",
      segmentation([1, 2, 10, 20], { output: "z" }),
      /"z" is not one of outputs/,
    ],
  ])("a manifest with %s is refused", (_, value, message) => {
    expect(() => parseManifest(value)).toThrow(message);
  });
});
