import { describe, expect, test } from "vitest";
import { parseManifest } from "../../../../src/domain/manifest.ts";

const RESIZE = { mode: "exact", width: 20, height: 10, filter: "bilinear" };
const CROP = { width: 20, height: 10 };
const IMAGE = {
  type: "image",
  version: 1,
  input: "x",
  resize: RESIZE,
  color: "RGB",
  layout: "NCHW",
};
const DETECTION = {
  type: "object-detection",
  version: 1,
  boxes: "boxes",
  scores: "scores",
  boxFormat: "xyxy",
  coordinates: "normalized",
  scoreActivation: "none",
  scoreThreshold: 0.5,
  iouThreshold: 0.5,
  maxDetections: 100,
};

const manifest = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  schemaVersion: 1,
  name: "m",
  version: "1",
  task: "object-detection",
  format: "onnx",
  file: "model.onnx",
  files: [{ path: "model.onnx", sha256: "a".repeat(64), sizeBytes: 1 }],
  inputs: [{ name: "x", datatype: "FP32", shape: ["batch", 3, 10, 20] }],
  outputs: [
    { name: "boxes", datatype: "FP32", shape: ["batch", "boxes", 4] },
    { name: "scores", datatype: "FP32", shape: ["batch", "boxes", 1] },
  ],
  preprocess: IMAGE,
  postprocess: DETECTION,
  labels: ["thing"],
  createdAt: "2026-11-22T00:00:00Z",
  ...changes,
});

const withImage = (changes: object, inputs?: object): Record<string, unknown> =>
  manifest({
    preprocess: { ...IMAGE, ...changes },
    ...(inputs
      ? { inputs: [{ name: "x", datatype: "FP32", shape: [1, 3, 10, 20], ...inputs }] }
      : {}),
  });

const withOutputs = (
  boxes: unknown[],
  scores: unknown[],
  datatype = "FP32",
): Record<string, unknown> =>
  manifest({
    outputs: [
      { name: "boxes", datatype, shape: boxes },
      { name: "scores", datatype: "FP32", shape: scores },
    ],
  });

describe("a valid manifest of an image model", () => {
  test.each<[string, Record<string, unknown>]>([
    ["planes of floats", manifest()],
    ["a scale, means and deviations", withImage({ scale: 1 / 255, mean: [0.5], std: [1, 2, 3] })],
    [
      "pixels of bytes",
      withImage({ layout: "NHWC" }, { datatype: "UINT8", shape: [-1, 10, 20, 3] }),
    ],
    ["one grey plane", withImage({ color: "GRAY" }, { shape: ["n", 1, 10, 20] })],
    ["an input of unknown rank", withImage({}, { shape: [] })],
    ["outputs of unknown rank", withOutputs([], [])],
    ["dynamic boxes and labels", withOutputs(["batch", "n", "corners"], ["batch", 7, -1])],
    ["an input of any size", withImage({}, { shape: ["n", 3, "height", -1] })],
    [
      "a crop",
      withImage({ resize: { mode: "shortest-edge", size: 24, filter: "box", crop: CROP } }),
    ],
    ["a letterbox", withImage({ resize: { ...RESIZE, mode: "letterbox" } })],
  ])("a manifest with %s is accepted", (_, value) => {
    expect(parseManifest(value).preprocess).toMatchObject({ type: "image", maxBatch: 4 });
  });
});

describe("an invalid manifest of an image model", () => {
  test.each<[string, Record<string, unknown>, RegExp]>([
    [
      "NHWC of an NCHW input",
      withImage({ layout: "NHWC" }),
      /"x" must have the shape \[batch, 10, 20, 3\]/,
    ],
    [
      "GRAY of an input of three channels",
      withImage({ color: "GRAY" }),
      /must have the shape \[batch, 1, 10, 20\]; it has \[batch, 3, 10, 20\]/,
    ],
    ["another size", withImage({}, { shape: [1, 3, 20, 10] }), /must have the shape/],
    ["another rank", withImage({}, { shape: [1, 3, 200] }), /must have the shape/],
    [
      "an input of integers",
      withImage({}, { datatype: "INT64" }),
      /"x" must be UINT8 or FP32; it is INT64\s+→ at preprocess\.input/,
    ],
    [
      "means of a UINT8 input",
      withImage({ mean: [1] }, { datatype: "UINT8" }),
      /takes the levels as they are/,
    ],
    ["two means", withImage({ mean: [1, 2] }), /preprocess.mean/],
    [
      "three means of grey",
      withImage({ color: "GRAY", mean: [1, 2, 3] }, { shape: [1, 1, 10, 20] }),
      /3 numbers for 1 channels/,
    ],
    ["a deviation of 0", withImage({ std: [0] }), /must not be 0/],
    [
      "a crop that does not fit",
      withImage({ resize: { mode: "shortest-edge", size: 19, filter: "box", crop: CROP } }),
      /a crop must fit/,
    ],
    ["an unknown filter", withImage({ resize: { ...RESIZE, filter: "hamming" } }), /resize/],
    ["code", withImage({ code: "return 1" }), /Unrecognized key: "code"/],
    ["objects without labels", manifest({ labels: undefined }), /object-detection needs labels/],
    [
      "an ignored label that is none",
      manifest({ postprocess: { ...DETECTION, ignoreLabels: ["background"] } }),
      /must be one of labels \("thing"\); it is "background"\s+→ at postprocess\.ignoreLabels\[0\]/,
    ],
    [
      "no label that is not ignored",
      manifest({ postprocess: { ...DETECTION, ignoreLabels: ["thing"] } }),
      /must leave at least one of labels\s+→ at postprocess\.ignoreLabels/,
    ],
    [
      "boxes of no output",
      manifest({ postprocess: { ...DETECTION, boxes: "b" } }),
      /"b" is not one of outputs/,
    ],
    [
      "rows of a table as images",
      manifest({ preprocess: { type: "array", version: 1, input: "x" } }),
      /must be image for the task object-detection/,
    ],
    [
      "rows of a table for the objects of a model without a task",
      manifest({ task: undefined, preprocess: { type: "array", version: 1, input: "x" } }),
      /must be image, which object-detection needs\s+→ at preprocess\.type/,
    ],
    [
      "boxes of five values",
      withOutputs(["batch", "n", 5], ["batch", "n", 1]),
      /"boxes" must have the shape \[batch, boxes, 4\]; it has \[batch, n, 5\]\s+→ at postprocess\.boxes/,
    ],
    [
      "scores of another number of boxes",
      withOutputs(["batch", 7, 4], ["batch", 8, 1]),
      /"scores" must have the shape \[batch, 7, labels\]; it has \[batch, 8, 1\]\s+→ at postprocess\.scores/,
    ],
    [
      "scores of boxes without labels",
      withOutputs(["batch", "n", 4], ["batch", "n"]),
      /"scores" must have the shape \[batch, boxes, labels\]; it has \[batch, n\]\s+→ at postprocess\.scores/,
    ],
    [
      "one label for two scores",
      withOutputs(["batch", "n", 4], ["batch", "n", 2]),
      /must have length 2, .*; it has 1\s+→ at labels/,
    ],
    [
      "boxes of another datatype",
      withOutputs(["batch", "n", 4], ["batch", "n", 1], "FP16"),
      /"boxes" must be FP32; it is FP16\s+→ at postprocess\.boxes/,
    ],
    [
      "a threshold beyond 1",
      manifest({ postprocess: { ...DETECTION, iouThreshold: 2 } }),
      /iouThreshold/,
    ],
    ["a later version of the block", withImage({ version: 2 }), /version/],
  ])("a manifest with %s is refused", (_, value, message) => {
    expect(() => parseManifest(value)).toThrow(message);
  });
});
