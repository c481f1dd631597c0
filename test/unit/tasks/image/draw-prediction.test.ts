import { expect, test } from "vitest";
import { createCall } from "../../../../src/domain/call.ts";
import { parseManifest } from "../../../../src/domain/manifest.ts";
import type { PublishedModel } from "../../../../src/domain/published-model.ts";
import { toBytes } from "../../../../src/domain/tensor.ts";
import { createDrawAnswer } from "../../../../src/inference/draw-answer.ts";
import { createCodecStore } from "../../../../src/tasks/image/codec-store.ts";
import { createImageDecoder } from "../../../../src/tasks/image/decode-image.ts";
import { gridAxes, planesOf } from "../../../../src/tasks/image/image-grid.ts";
import { instantiateCodec } from "../../../../src/tasks/image/jsquash-codecs.ts";
import { labelColour } from "../../../../src/tasks/image/label-colours.ts";
import { encodeMask } from "../../../../src/tasks/image/mask.ts";
import { createMatte, matteRows } from "../../../../src/tasks/image/matte.ts";
import { resample } from "../../../../src/tasks/image/resample.ts";
import { rejectedApiError } from "../../../support/errors.ts";
import { readImage } from "../../../support/images.ts";
import {
  largestLevelDifference,
  masks,
  toLevels,
  toNumbers,
  wholeImage,
} from "../../../support/masks.ts";

const decodeImage = createImageDecoder(createCodecStore(instantiateCodec));
const drawAnswer = createDrawAnswer({ decodeImage });
const call = createCall();
const checkpoint = () => call.checkpoint();

const MANIFEST = parseManifest({
  schemaVersion: 1,
  name: "m",
  version: "1",
  task: "image-segmentation",
  format: "onnx",
  file: "model.onnx",
  files: [{ path: "model.onnx", sha256: "a".repeat(64), sizeBytes: 1 }],
  inputs: [{ name: "x", datatype: "FP32", shape: [1, 3, 10, 20] }],
  outputs: [{ name: "y", datatype: "FP32", shape: [1, 1, 9, 13] }],
  preprocess: {
    type: "image",
    version: 1,
    input: "x",
    resize: { mode: "exact", width: 20, height: 10, filter: "bilinear" },
    color: "RGB",
    layout: "NCHW",
  },
  postprocess: { type: "image-segmentation", version: 1, output: "y", form: "mattes" },
  labels: ["person"],
  createdAt: "2026-11-22T00:00:00Z",
});
const MODEL = { name: "m", version: "1", manifest: MANIFEST } as PublishedModel;

async function pixelsOf(file: Uint8Array) {
  return decodeImage(
    file,
    "drawn",
    (image) => {
      const { width, height } = image;
      const part = { left: 0, top: 0, width, height };
      return { width, height, levels: resample(image, 3, "nearest", width, height, part) };
    },
    checkpoint,
  );
}

test("a mask is laid over the image as Pillow's composite does it, within 2 levels", async () => {
  const file = readImage("astronaut.png");
  const { width, height } = await pixelsOf(file);
  const data = toBytes(toNumbers(masks.matte));
  const shape = [1, 1, masks.rows, masks.columns];
  const [planes] = planesOf({ name: "y", datatype: "FP32", shape, data }, "NCHW", 1, 1);
  if (!planes) throw new Error("no planes");
  const axes = gridAxes(wholeImage({ width, height }), planes);
  const rows = matteRows(createMatte(planes, 0, true), axes, undefined);
  const mask = await encodeMask(width, height, rows, checkpoint);
  const value = [{ label: "person", score: 0.9, mask }];
  const request = { inputs: Buffer.from(file).toString("base64"), parameters: {} };
  const drawn = await pixelsOf(
    await drawAnswer(MODEL, request, { kind: "value", form: "one", value }, call),
  );
  expect([drawn.width, drawn.height]).toEqual([width, height]);
  const { step, levels } = masks.overlay;
  const actual = Uint8Array.from({ length: toLevels(levels).length }, (_, at) => {
    const [pixel, channel] = [Math.floor(at / 3) * step, at % 3];
    return drawn.levels[pixel * 3 + channel] as number;
  });
  // Half of the mask is rounded to a level there.
  expect(largestLevelDifference(actual, toLevels(levels))).toBeLessThanOrEqual(2);
});

test("labels have the colours of PASCAL VOC's palette", () => {
  // VOCdevkit's VOClabelcolormap, rows 1 to 3, 8 and 20 after black.
  expect([0, 1, 2, 7, 19].map(labelColour)).toEqual([
    [128, 0, 0],
    [0, 128, 0],
    [128, 128, 0],
    [64, 0, 0],
    [0, 64, 128],
  ]);
});

test("the answer to a list is no picture, which is said with what to do", async () => {
  const request = { inputs: ["a", "b"], parameters: {} };
  const error = await rejectedApiError(
    "invalid_request",
    drawAnswer(MODEL, request, { kind: "value", form: "list", value: [[], []] }, call),
  );
  expect(error.message).toContain("image/png is one picture, the image, with its masks in colours");
  expect(error.details).toMatchObject({ field: "inputs", actual: 2 });
});
