import { describe, expect, test } from "vitest";
import { parseManifest } from "../../../../src/domain/manifest.ts";

/** Models whose outputs have other forms than boxes and scores. */

const RESIZE = { mode: "letterbox", width: 64, height: 64, filter: "bilinear" };
const BLOCK = {
  type: "object-detection",
  version: 1,
  boxes: "output0",
  boxFormat: "cxcywh",
  coordinates: "pixels",
  scoreActivation: "none",
  scoreThreshold: 0.25,
  maxDetections: 300,
};
const PRIORS = { maps: [{ stride: 8 }, { stride: 16 }, { stride: 32 }], encoding: "log-size" };

type Outputs = Readonly<Record<string, readonly (string | number)[]>>;

const manifest = (block: object, outputs: Outputs, labels = ["a", "b"]): object => ({
  schemaVersion: 1,
  name: "m",
  version: "1",
  task: "object-detection",
  format: "onnx",
  file: "model.onnx",
  files: [{ path: "model.onnx", sha256: "a".repeat(64), sizeBytes: 1 }],
  inputs: [{ name: "images", datatype: "FP32", shape: [1, 3, 64, 64] }],
  outputs: Object.entries(outputs).map(([name, shape]) => ({
    name,
    datatype: name === "labels" ? "INT64" : "FP32",
    shape,
  })),
  preprocess: {
    type: "image",
    version: 1,
    input: "images",
    resize: RESIZE,
    color: "RGB",
    layout: "NCHW",
  },
  postprocess: { ...BLOCK, ...block },
  labels,
  createdAt: "2026-11-22T00:00:00Z",
});

describe("a manifest of a detector is accepted", () => {
  test.each<[string, object, Outputs]>([
    ["with columns of boxes", { layout: "columns" }, { output0: [1, 6, 84] }],
    ["with a score of any object", { scoring: "objectness" }, { output0: [1, 84, 7] }],
    [
      "with grids and strides",
      { scoring: "objectness", priors: PRIORS },
      { output0: ["batch", 84, 7] },
    ],
    ["with the index of the label", { scoring: "class-index" }, { output0: [1, 300, 6] }],
    ["with angles", { layout: "columns", rotated: true }, { output0: [1, 7, 84] }],
    [
      "with keypoints in the row",
      { layout: "columns", keypoints: { labels: ["nose", "tail"] } },
      { output0: [1, 12, 84] },
    ],
    [
      "with masks",
      { layout: "columns", masks: { prototypes: "output1" } },
      { output0: [1, 38, 84], output1: [1, 32, 16, 16] },
    ],
    [
      "with keypoints in an output of their own",
      { scores: "scores", keypoints: { labels: ["nose"], scores: false, output: "places" } },
      { output0: [1, 84, 4], scores: [1, 84, 2], places: [1, 84, 2] },
    ],
    [
      "with the labels in an output, without a batch",
      { scores: "scores", classes: "labels", scoring: "class-index" },
      { output0: ["n", 4], scores: ["n"], labels: ["n"] },
    ],
  ])("%s", (_, block, outputs) => {
    expect(parseManifest(manifest(block, outputs)).postprocess).toMatchObject({
      type: "object-detection",
      iouThreshold: 0.5,
      suppression: "by-label",
    });
  });
});

describe("a manifest of a detector is refused", () => {
  test.each<[string, object, Outputs, RegExp]>([
    [
      "with another number of values than the labels make",
      { layout: "columns" },
      { output0: [1, 84, 8400] },
      /"output0" must have the shape \[batch, 6, boxes\]; it has \[1, 84, 8400\]\s+→ at postprocess\.boxes/,
    ],
    [
      "with another number of coefficients than prototypes",
      { layout: "columns", masks: { prototypes: "output1" } },
      { output0: [1, 10, 84], output1: [1, 32, 16, 16] },
      /must have the shape \[batch, 38, boxes\]/,
    ],
    [
      "with priors of another number than boxes",
      { scoring: "objectness", priors: { ...PRIORS, maps: PRIORS.maps.slice(1) } },
      { output0: [1, 84, 7] },
      /make 20 boxes, and "output0" has 84\s+→ at postprocess\.priors/,
    ],
    [
      "with priors of fractions",
      { scoring: "objectness", priors: PRIORS, coordinates: "normalized" },
      { output0: [1, 84, 7] },
      /must be pixels, in which priors are\s+→ at postprocess\.coordinates/,
    ],
    [
      "with distances in the form of a centre",
      { priors: { ...PRIORS, encoding: "distances" } },
      { output0: [1, 84, 6] },
      /must be xyxy or yxyx for priors with the encoding distances; it is cxcywh/,
    ],
    [
      "with a million priors",
      { priors: { ...PRIORS, maps: [{ stride: 8, columns: 4096, rows: 4096 }] } },
      { output0: [1, "n", 6] },
      /make 16777216 boxes, and may make 1000000/,
    ],
    [
      "with an output of labels and a score for each",
      { scores: "scores", classes: "labels" },
      { output0: [1, 84, 4], scores: [1, 84], labels: [1, 84] },
      /are for the scoring "class-index"\s+→ at postprocess\.classes/,
    ],
    [
      "with indices of labels in no output",
      { scores: "scores", scoring: "class-index" },
      { output0: [1, 84, 4], scores: [1, 84] },
      /must name the output that has the labels.*\s+→ at postprocess\.classes/,
    ],
    [
      "with scores of any object beside an output of scores",
      { scores: "scores", scoring: "objectness" },
      { output0: [1, 84, 4], scores: [1, 84, 2] },
      /leave `scores` out\s+→ at postprocess\.scoring/,
    ],
    [
      "with rotated corners",
      { rotated: true, boxFormat: "xyxy" },
      { output0: [1, 84, 7] },
      /must be cxcywh for rotated boxes; it is xyxy/,
    ],
    [
      "with softmax of one score",
      { scoring: "class-index", scoreActivation: "softmax" },
      { output0: [1, 84, 6] },
      /softmax needs a score for each label/,
    ],
    [
      "with keypoints in no output",
      { scores: "scores", keypoints: { labels: ["nose"] } },
      { output0: [1, 84, 4], scores: [1, 84, 2] },
      /must name an output, because `boxes` has no values but coordinates\s+→ at postprocess\.keypoints\.output/,
    ],
    [
      "with prototypes that are no planes",
      { layout: "columns", masks: { prototypes: "output1" } },
      { output0: [1, 38, 84], output1: [1, 32, 256] },
      /"output1" must have the shape \[batch, prototypes, height, width\]/,
    ],
  ])("%s", (_, block, outputs, message) => {
    expect(() => parseManifest(manifest(block, outputs))).toThrow(message);
  });
});
