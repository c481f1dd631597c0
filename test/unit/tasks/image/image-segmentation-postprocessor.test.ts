import { describe, expect, test } from "vitest";
import {
  type ImageSegmentationBlock,
  imageSegmentationBlock,
} from "../../../../src/domain/blocks/postprocess/image-segmentation.ts";
import { type Tensor, toBytes } from "../../../../src/domain/tensor.ts";
import type { ImageMetadata } from "../../../../src/tasks/image/image-preprocessor.ts";
import {
  createImageSegmentationPostprocessor,
  type ImageSegment,
} from "../../../../src/tasks/image/image-segmentation-postprocessor.ts";
import { rejectedApiError } from "../../../support/errors.ts";
import {
  largestLevelDifference,
  masks,
  readGreyLevels,
  toChannelsLast,
  toLevels,
  toNumbers,
  wholeImage,
} from "../../../support/masks.ts";
import { createObservedDecoder } from "../../../support/observed-decoder.ts";

/** Expected values are those of transformers, SciPy and Pillow: recipes/mask_fixtures.py. */

const LABELS = ["sky", "road", "tree", "car", "person"];
const { rows, columns } = masks;
const { decodeImage } = createObservedDecoder();

const floats = (values: Float32Array, shape: readonly number[]): Tensor => ({
  name: "planes",
  datatype: "FP32",
  shape,
  data: toBytes(values),
});
const LOGITS = floats(toNumbers(masks.logits), [1, 5, rows, columns]);
const MATTE = floats(toNumbers(masks.matte), [1, 1, rows, columns]);

interface Options {
  readonly labels?: readonly string[];
  readonly image?: ImageMetadata;
  readonly parameters?: Record<string, unknown>;
}

async function segment(
  result: Tensor,
  block: Partial<ImageSegmentationBlock>,
  { labels = LABELS, image = wholeImage(masks), parameters = {} }: Options = {},
): Promise<ImageSegment[]> {
  const postprocessor = createImageSegmentationPostprocessor(
    imageSegmentationBlock.schema.parse({
      type: "image-segmentation",
      version: 1,
      output: "planes",
      ...block,
    }),
    labels,
  );
  const [prediction] = await postprocessor.toPredictions([result], [image], parameters);
  return prediction as ImageSegment[];
}

const maskOf = async ({ mask }: ImageSegment): Promise<Uint8Array> =>
  (await readGreyLevels(decodeImage, toLevels(mask))).levels;

/** The index of each pixel's label; 255 where no mask has it. */
async function labelMap(segments: readonly ImageSegment[]): Promise<Uint8Array> {
  let map: Uint8Array | undefined;
  for (const each of segments) {
    const levels = await maskOf(each);
    map ??= new Uint8Array(levels.length).fill(255);
    for (let at = 0; at < levels.length; at++) {
      if (levels[at] === 0) continue;
      if (levels[at] !== 255 || map[at] !== 255)
        throw new Error("a pixel of two masks, or of half of one");
      map[at] = LABELS.indexOf(each.label);
    }
  }
  return map ?? new Uint8Array();
}

/** Of many levels, without a message for each. */
function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.length).toBe(expected.length);
  expect(actual.findIndex((level, at) => level !== expected[at])).toBe(-1);
}

describe("logits", () => {
  const block = { form: "logits", activation: "softmax" } as const;

  test.each(["NCHW", "NHWC"] as const)(
    "a pixel has the label that transformers gives it, of planes %s",
    async (layout) => {
      const result =
        layout === "NCHW"
          ? LOGITS
          : floats(toChannelsLast(toNumbers(masks.logits), 5), [1, rows, columns, 5]);
      const segments = await segment(result, { ...block, layout });
      expectSame(await labelMap(segments), toLevels(masks.labelMap));
      expect(segments.map(({ score = 0 }) => score)).toEqual(
        segments.map(({ score = 0 }) => score).toSorted((a, b) => b - a),
      );
      for (const { label, score } of segments)
        expect(score).toBeCloseTo(masks.scores[LABELS.indexOf(label)] ?? Number.NaN, 6);
    },
  );

  test("pixels beside the crop that the model has seen are in no mask", async () => {
    const { width, height, labelMap: expected } = masks.cropped;
    const placement = { scaleX: 1, scaleY: 1, offsetX: -20, offsetY: 0 };
    const frame = { width: 20, height: 20 };
    const image: ImageMetadata = { kind: "image", width, height, placement, frame };
    expectSame(await labelMap(await segment(LOGITS, block, { image })), toLevels(expected));
  });

  test("ignored labels and those below the threshold have no mask, and keep their pixels", async () => {
    const threshold = (masks.scores.toSorted((a, b) => a - b)[1] ?? 0) + 1e-6;
    const segments = await segment(
      LOGITS,
      { ...block, ignoreLabels: ["sky"] },
      { parameters: { threshold } },
    );
    const kept = LABELS.filter(
      (label, at) => label !== "sky" && (masks.scores[at] ?? 0) >= threshold,
    );
    expect(segments.map(({ label }) => label).toSorted()).toEqual(kept.toSorted());
    const map = await labelMap(segments);
    const expected = toLevels(masks.labelMap).map((label) =>
      kept.includes(LABELS[label] ?? "") ? label : 255,
    );
    expectSame(map, expected);
  });

  test("mask_threshold is refused, with what to do", async () => {
    const error = await rejectedApiError(
      "invalid_request",
      segment(LOGITS, block, { parameters: { mask_threshold: 0.5 } }),
    );
    expect(error.message).toContain("mask_threshold has no effect");
  });
});

describe("classes", () => {
  test("a pixel has the label of the cell that it is in, as Pillow's filter nearest has it", async () => {
    const data = toBytes(BigInt64Array.from(masks.classes, BigInt));
    for (const shape of [
      [1, rows, columns],
      [1, 1, rows, columns],
    ]) {
      const segments = await segment(
        { name: "planes", datatype: "INT64", shape, data },
        { form: "classes" },
      );
      expectSame(await labelMap(segments), toLevels(masks.nearest));
      expect(segments.every((each) => !("score" in each))).toBe(true);
    }
  });

  test("an index that is no label's is in no mask", async () => {
    const data = toBytes(Int32Array.from([0, 255, -1, 4]));
    const result: Tensor = { name: "planes", datatype: "INT32", shape: [1, 2, 2], data };
    const image: ImageMetadata = {
      kind: "image",
      width: 2,
      height: 2,
      placement: { scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0 },
      frame: { width: 2, height: 2 },
    };
    const segments = await segment(result, { form: "classes" }, { image });
    expectSame(await labelMap(segments), Uint8Array.from([0, 255, 255, 4]));
  });
});

describe("mattes", () => {
  const block = { form: "mattes", activation: "sigmoid" } as const;
  const one = { labels: ["person"] };

  test("levels are PyTorch's interpolation of the probabilities, within 1", async () => {
    const [found, ...others] = await segment(MATTE, block, one);
    expect(others).toEqual([]);
    expect(found?.label).toBe("person");
    const levels = await maskOf(found as ImageSegment);
    expect(largestLevelDifference(levels, toLevels(masks.levels))).toBeLessThanOrEqual(1);
  });

  test("the borders of a letterbox are cut off, as by SciPy at the same places", async () => {
    const { width, height, levels } = masks.letterboxed;
    const placement = { scaleX: 0.5, scaleY: 0.5, offsetX: 0, offsetY: 10 };
    const frame = { width: 30, height: 30 };
    const image: ImageMetadata = { kind: "image", width, height, placement, frame };
    const [found] = await segment(MATTE, block, { ...one, image });
    const actual = await maskOf(found as ImageSegment);
    expect(largestLevelDifference(actual, toLevels(levels))).toBeLessThanOrEqual(1);
  });

  test("a threshold makes each pixel one of both, also that of a request", async () => {
    const ask = async (maskThreshold?: number, mask_threshold?: number) => {
      const [found] = await segment(
        MATTE,
        { ...block, ...(maskThreshold !== undefined && { maskThreshold }) },
        { ...one, parameters: { ...(mask_threshold !== undefined && { mask_threshold }) } },
      );
      return maskOf(found as ImageSegment);
    };
    const probabilities = toLevels(masks.levels);
    for (const [levels, threshold] of [
      [await ask(0.7), 0.7],
      [await ask(0.7, 0.2), 0.2],
    ] as const)
      expect(
        levels.findIndex((level, at) => {
          const expected = (probabilities[at] as number) / 255;
          // Beside the threshold a level does not say on which side it is.
          if (Math.abs(expected - threshold) <= 0.01) return false;
          return level !== (expected > threshold ? 255 : 0);
        }),
      ).toBe(-1);
  });

  test("labels that are nowhere have no mask", async () => {
    const low = floats(new Float32Array(2 * rows * columns).fill(-9), [1, 2, rows, columns]);
    expect(await segment(low, block, { labels: ["cat", "dog"] })).toEqual([]);
  });
});

test("values that are no numbers, and planes for other labels, are refused", async () => {
  const damaged = toNumbers(masks.logits).fill(Number.NaN, 7, 8);
  const block = { form: "logits" } as const;
  await rejectedApiError(
    "inference_failed",
    segment(floats(damaged, [1, 5, rows, columns]), block),
  );
  const other = await rejectedApiError(
    "task_not_supported",
    segment(LOGITS, block, { labels: ["sky", "road"] }),
  );
  expect(other.message).toContain("[1, 2, rows, columns]");
});
