import { describe, expect, test } from "vitest";
import { parseManifest } from "../../../../src/domain/manifest.ts";

const fp32 = (name: string, shape: readonly unknown[]) => ({ name, datatype: "FP32", shape });

const PAGE = { type: "page", version: 1, input: "x" };
const DETECTION = { model: "detection", input: "page", output: "maps" };
const DIRECTION = { model: "direction", input: "line", output: "sides" };
const MODELS = {
  detection: {
    format: "onnx",
    file: "detection.onnx",
    inputs: [fp32("page", ["b", 3, "h", "w"])],
    outputs: [fp32("maps", ["b", 1, "h", "w"])],
  },
  direction: {
    format: "onnx",
    file: "direction.onnx",
    inputs: [fp32("line", ["b", 3, 48, "w"])],
    outputs: [fp32("sides", ["b", 2])],
  },
};

const manifest = (
  preprocess: object = {},
  changes: object = {},
  postprocess: object = {},
): Record<string, unknown> => ({
  schemaVersion: 1,
  name: "m",
  version: "1",
  task: "image-to-text",
  format: "onnx",
  file: "model.onnx",
  files: ["model.onnx", "detection.onnx", "direction.onnx", "dictionary.txt"].map((path) => ({
    path,
    sha256: "a".repeat(64),
    sizeBytes: 1,
  })),
  inputs: [fp32("x", ["b", 3, 48, "w"])],
  outputs: [fp32("y", ["b", "steps", 97])],
  preprocess: { ...PAGE, ...preprocess },
  postprocess: {
    type: "text-lines",
    version: 1,
    output: "y",
    dictionary: "dictionary.txt",
    ...postprocess,
  },
  createdAt: "2026-11-22T00:00:00Z",
  ...changes,
});

const both = (detection: object = {}, direction: object = {}): Record<string, unknown> =>
  manifest(
    { detection: { ...DETECTION, ...detection }, direction: { ...DIRECTION, ...direction } },
    { models: MODELS },
  );

describe("a valid manifest of text in images", () => {
  test.each<[string, Record<string, unknown>]>([
    ["a model of lines", manifest()],
    ["models that find and turn lines", both()],
    [
      "characters that the graph chooses",
      manifest(
        {},
        {
          outputs: [
            fp32("y", ["b", "steps"]),
            { name: "i", datatype: "INT64", shape: ["b", "steps"] },
          ],
        },
        { indices: "i" },
      ),
    ],
    [
      "grey lines of one width",
      manifest(
        { color: "GRAY", height: 32, minWidth: 100, maxWidth: 100 },
        { inputs: [fp32("x", [1, 1, 32, 100])] },
      ),
    ],
  ])("a manifest with %s is accepted", (_, value) => {
    expect(parseManifest(value).preprocess).toMatchObject({ type: "page" });
  });
});

describe("an invalid manifest of text in images", () => {
  test.each<[string, Record<string, unknown>, RegExp]>([
    [
      "lines of another height",
      manifest({ height: 32 }),
      /"x" must have the shape \[batch, 3, 32, width\]; it has \[b, 3, 48, w\]/,
    ],
    [
      "widths that the model does not take",
      manifest({}, { inputs: [fp32("x", [1, 3, 48, 320])] }),
      /must be 320, as minWidth: the input takes lines of that width\s+→ at preprocess\.maxWidth/,
    ],
    [
      "the widths the wrong way round",
      manifest({ minWidth: 400, maxWidth: 300 }),
      /must not be above maxWidth, which is 300/,
    ],
    ["three means of grey", manifest({ color: "GRAY", mean: [1, 1, 1] }), /has 3 numbers for 1/],
    ["a deviation of 0", manifest({ std: [0] }), /must not be 0\s+→ at preprocess\.std/],
    [
      "a model that is not there",
      manifest({ detection: DETECTION }),
      /"detection" is not one of models/,
    ],
    [
      "a model that no block uses",
      manifest({}, { models: MODELS }),
      /no block uses it\s+→ at models\.detection/,
    ],
    [
      "an output that the model does not have",
      both({ output: "scores" }),
      /"scores" is not one of models\.detection\.outputs/,
    ],
    [
      "a side that is no multiple",
      both({ maxSide: 1000 }),
      /must be a multiple of 32, as the sides of pages are/,
    ],
    [
      "directions of another width than the model's",
      manifest(
        { detection: DETECTION, direction: DIRECTION },
        {
          models: {
            ...MODELS,
            direction: { ...MODELS.direction, inputs: [fp32("line", [1, 3, 48, 100])] },
          },
        },
      ),
      /"line" must have the shape \[batch, 3, 48, 192\]/,
    ],
    [
      "scores without steps",
      manifest({}, { outputs: [fp32("y", ["b", 97])] }),
      /"y" must have the shape \[batch, steps, characters\]/,
    ],
    [
      "scores of all characters beside indices",
      manifest({}, {}, { indices: "y", activation: "softmax" }),
      /"y" must have the shape \[batch, steps\][\s\S]*must be none with indices/,
    ],
    [
      "a dictionary that is no file",
      manifest({}, {}, { dictionary: "keys.txt" }),
      /"keys.txt" is not one of files/,
    ],
  ])("a manifest with %s is refused", (_, value, message) => {
    expect(() => parseManifest(value)).toThrow(message);
  });
});
