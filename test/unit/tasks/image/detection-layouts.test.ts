import { describe, expect, test } from "vitest";
import type { ObjectDetectionBlock } from "../../../../src/domain/blocks/postprocess/object-detection.ts";
import { imageBlock } from "../../../../src/domain/blocks/preprocess/image.ts";
import type { NumericTensor } from "../../../../src/domain/tensor.ts";
import { fitImage } from "../../../../src/tasks/image/fit-image.ts";
import {
  createObjectDetectionPostprocessor,
  type Detection,
} from "../../../../src/tasks/image/object-detection-postprocessor.ts";
import { toGrey } from "../../../../src/tasks/image/raster.ts";
import { resample } from "../../../../src/tasks/image/resample.ts";
import {
  DETECTION_CASES,
  type DetectionCase,
  IN_CORNER,
  repeatBatch,
} from "../../../support/detections.ts";
import { rejectedApiError } from "../../../support/errors.ts";
import { fromBase64, largestDifference, readImage } from "../../../support/images.ts";
import { createObservedDecoder } from "../../../support/observed-decoder.ts";

/** Of boxes in pixels: the packages calculate with floats of 32 bits. */
const PIXEL_TOLERANCE = 1e-3;
/** Of pixels near the edge of a mask, which is between samples. */
const MASK_TOLERANCE = 0.01;

const { decodeImage } = createObservedDecoder();

/** Pixels of a mask: one level each. */
function decodeMask(
  png: string | undefined,
): Promise<{ width: number; height: number; levels: Uint8Array }> {
  return decodeImage(fromBase64(png ?? ""), "mask", (image) => {
    const { width, height } = image;
    const part = { left: 0, top: 0, width, height };
    return { width, height, levels: resample(toGrey(image), 1, "nearest", width, height, part) };
  });
}

async function detect(
  { block, labels, outputs, metadata }: DetectionCase,
  parameters: { masks?: boolean; threshold?: number } = {},
): Promise<readonly Detection[]> {
  const postprocessor = createObjectDetectionPostprocessor(block, labels);
  const [found] = await postprocessor.toPredictions(outputs, [metadata], parameters);
  return found as readonly Detection[];
}

const find = (name: RegExp): DetectionCase => {
  const found = DETECTION_CASES.find((each) => name.test(each.name));
  if (!found) throw new Error(`no case ${name}`);
  return found;
};

const closeTo = (values: readonly number[]) =>
  values.map((value) => expect.closeTo(value, -Math.log10(2 * PIXEL_TOLERANCE)));

describe.each(DETECTION_CASES)("outputs of $name", (each) => {
  test("become the objects that its own package makes of them", async () => {
    const found = await detect(each);
    expect(found.map(({ label }) => label)).toEqual(each.expected.map(({ label }) => label));
    for (const [at, { score, box, keypoints, polygon, mask }] of found.entries()) {
      const expected = each.expected[at];
      expect(score).toBeCloseTo(expected?.score ?? Number.NaN, 5);
      expect([box.xmin, box.ymin, box.xmax, box.ymax]).toEqual(closeTo(expected?.box ?? []));
      expect(keypoints?.map(({ x, y, score: sure }) => [x, y, sure])).toEqual(
        expected?.keypoints?.map(closeTo),
      );
      expect(polygon).toEqual(expected?.polygon?.map(closeTo));
      expect(mask === undefined).toBe(expected?.mask === undefined);
    }
  });

  test("of two images in a batch are two lists of the same objects", async () => {
    if (each.outputs.some(({ shape }) => shape.length < 3)) return;
    const postprocessor = createObjectDetectionPostprocessor(each.block, each.labels);
    const both = await postprocessor.toPredictions(
      repeatBatch(each.outputs, 2),
      [each.metadata, each.metadata],
      {},
    );
    const found = await detect(each);
    expect(both).toEqual([found, found]);
  });
});

test("masks have the size of the image, and the pixels of Ultralytics' but for one in a hundred", async () => {
  const each = find(/prototypes/);
  const found = await detect(each);
  const levels = new Set<number>();
  for (const [at, { mask }] of found.entries()) {
    const actual = await decodeMask(mask);
    const expected = await decodeMask(each.expected[at]?.mask);
    expect([actual.width, actual.height]).toEqual([each.metadata.width, each.metadata.height]);
    const others = actual.levels.filter((level, pixel) => level !== expected.levels[pixel]).length;
    expect(others / actual.levels.length).toBeLessThanOrEqual(MASK_TOLERANCE);
    for (const level of actual.levels) levels.add(level);
  }
  expect(levels).toEqual(new Set([0, 255]));
});

test("masks are left out where the request wants none", async () => {
  const found = await detect(find(/prototypes/), { masks: false });
  expect(found.length).toBeGreaterThan(2);
  expect(found.every(({ mask }) => mask === undefined)).toBe(true);
});

test("the rotation of a box is the direction of its width", async () => {
  const each = find(/rotated/);
  const [first] = await detect(each);
  const [, to = [], from = []] = each.expected[0]?.polygon ?? [];
  expect(first?.rotation).toBeCloseTo(
    Math.atan2((to[1] ?? 0) - (from[1] ?? 0), (to[0] ?? 0) - (from[0] ?? 0)),
    4,
  );
});

describe("outputs that do not fit the block are an error of the model's task:", () => {
  const refused: [string, RegExp, (each: DetectionCase) => Partial<DetectionCase>, RegExp][] = [
    [
      "another number of values",
      /YOLOv5/,
      () => ({ labels: ["a", "b"] }),
      /"output0" is FP32 \[1, 84, 8\].*FP32 \[1, boxes, 7\]|\[batch, boxes, 7\]/,
    ],
    [
      "another number of boxes than priors make",
      /YOLOX/,
      ({ block }) => ({ block: withMaps(block) }),
      /80 boxes, as priors make, not 84/,
    ],
    [
      "another number of labels than boxes",
      /Faster/,
      ({ outputs }) => ({ outputs: outputs.map(shortened) }),
      /"labels" is INT64 .*one value for each box/,
    ],
  ];

  test.each(refused)("%s", async (_, name, change, message) => {
    const each = find(name);
    const error = await rejectedApiError(
      "task_not_supported",
      detect({ ...each, ...change(each) }),
    );
    expect(error.message).toMatch(message);
  });

  function withMaps(block: ObjectDetectionBlock): ObjectDetectionBlock {
    const { priors } = block;
    return priors ? { ...block, priors: { ...priors, maps: priors.maps.slice(0, 2) } } : block;
  }

  function shortened(output: NumericTensor): NumericTensor {
    if (output.name !== "labels") return output;
    const bytes = output.data.slice(8);
    return { ...output, shape: [(output.shape[0] ?? 1) - 1], data: bytes };
  }
});

test("a picture in the corner of its frame has the levels of Pillow's, and its boxes need no move", async () => {
  const { file, width, height, background, levels } = IN_CORNER;
  const block = imageBlock.schema.parse({
    type: "image",
    version: 1,
    input: "image",
    resize: {
      mode: "letterbox",
      width,
      height,
      filter: "bilinear",
      background,
      position: "top-left",
    },
    color: "RGB",
    layout: "NHWC",
  });
  const fitted = await decodeImage(readImage(file), "image", (image) => fitImage(image, block));
  expect(largestDifference(fitted.levels, fromBase64(levels))).toBe(0);
  expect(fitted.placement).toMatchObject({ offsetX: 0, offsetY: 0 });
});
