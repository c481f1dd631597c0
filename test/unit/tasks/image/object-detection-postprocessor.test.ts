import { describe, expect, test } from "vitest";
import {
  type ObjectDetectionBlock,
  objectDetectionBlock,
} from "../../../../src/domain/blocks/postprocess/object-detection.ts";
import { ApiError } from "../../../../src/domain/errors.ts";
import { type Tensor, toBytes } from "../../../../src/domain/tensor.ts";
import type { ImageMetadata } from "../../../../src/tasks/image/image-preprocessor.ts";
import {
  createObjectDetectionPostprocessor,
  type Detection,
} from "../../../../src/tasks/image/object-detection-postprocessor.ts";
import { rejectedApiError } from "../../../support/errors.ts";
import { expectedImages, readSuppressed } from "../../../support/images.ts";

const BLOCK: ObjectDetectionBlock = objectDetectionBlock.schema.parse({
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
});

/** An image of 1000 x 1000 pixels, scaled to a model input of 100 x 100. */
const METADATA: ImageMetadata = {
  kind: "image",
  width: 1000,
  height: 1000,
  placement: { scaleX: 0.1, scaleY: 0.1, offsetX: 0, offsetY: 0 },
  frame: { width: 100, height: 100 },
};

const tensor = (name: string, numbers: readonly number[], columns: number, batch = 1): Tensor => ({
  name,
  datatype: "FP32",
  shape: [batch, numbers.length / columns / batch, columns],
  data: toBytes(Float32Array.from(numbers)),
});

async function detect(
  boxes: readonly (readonly number[])[],
  scores: readonly number[],
  {
    labels = ["thing"],
    itemMetadata = METADATA,
    threshold,
    ...block
  }: Partial<ObjectDetectionBlock> & {
    labels?: string[];
    itemMetadata?: ImageMetadata;
    threshold?: number;
  } = {},
): Promise<readonly Detection[]> {
  const postprocessor = createObjectDetectionPostprocessor({ ...BLOCK, ...block }, labels);
  const results = [tensor("boxes", boxes.flat(), 4), tensor("scores", scores, labels.length)];
  const [prediction] = await postprocessor.toPredictions(
    results,
    [itemMetadata],
    threshold === undefined ? {} : { threshold },
  );
  return prediction as Detection[];
}

const corners = ({ box }: Detection): number[] => [box.xmin, box.ymin, box.xmax, box.ymax];

test("the boxes that remain of random ones are those of ONNX's NonMaxSuppression", async () => {
  const { boxes, scores, kept, scoreThreshold, iouThreshold } = expectedImages.suppressed;
  const labels = ["a", "b"];
  const list = Array.from({ length: boxes.length / 4 }, (_, at) => boxes.slice(at * 4, at * 4 + 4));
  const found = await detect(list, scores, { labels, scoreThreshold, iouThreshold });
  expect(found.length).toBeGreaterThan(10);
  expect(found.map(({ label, score }) => [label, score])).toEqual(
    kept.map(([label, box]) => [labels[label], Math.fround(scores[box * 2 + label] ?? 0)]),
  );
  for (const [at, detection] of found.entries())
    for (const [edge, value] of corners(detection).entries())
      expect(value).toBeCloseTo((boxes[(kept[at]?.[1] ?? 0) * 4 + edge] ?? 0) * 1000, 2);
});

test("of thousands of candidates beside a background the boxes that remain are those of a plain suppression in NumPy", async () => {
  const { boxes, scores, labels, candidates, kept, ...rule } = readSuppressed();
  expect(candidates).toBeGreaterThan(5000);
  const found = await detect(boxes, scores.flat(), {
    labels: [...labels],
    ignoreLabels: ["background"],
    ...rule,
  });
  expect(found.map(({ label, score }) => [label, score])).toEqual(
    kept.map(([label, row]) => [labels[label], Math.fround(scores[row]?.[label] ?? 0)]),
  );
  for (const [at, detection] of found.entries())
    for (const [edge, value] of corners(detection).entries())
      expect(value).toBeCloseTo((boxes[kept[at]?.[1] ?? 0]?.[edge] ?? 0) * 1000, 2);
});

test("a long suppression awaits checkpoints, and ends with the call", async () => {
  const count = 60_000;
  const postprocessor = createObjectDetectionPostprocessor(BLOCK, ["thing"]);
  const results = [
    tensor("boxes", Array.from({ length: count }, () => [0, 0, 1, 1]).flat(), 4),
    tensor("scores", Array(count).fill(0.9), 1),
  ];
  let checkpoints = 0;
  const found = await postprocessor.toPredictions(results, [METADATA], {}, async () => {
    checkpoints++;
  });
  expect(found).toEqual([[expect.objectContaining({ score: Math.fround(0.9) })]]);
  expect(checkpoints).toBeGreaterThan(10);
  const gone = new ApiError("client_closed_request", "gone");
  const ended = postprocessor.toPredictions(results, [METADATA], {}, () => Promise.reject(gone));
  await expect(ended).rejects.toBe(gone);
});

describe("boxes", () => {
  test("by their centre and size, in pixels of the model's input", async () => {
    const [found] = await detect([[50, 40, 20, 10]], [0.9], {
      boxFormat: "cxcywh",
      coordinates: "pixels",
    });
    expect(found && corners(found)).toEqual([400, 350, 600, 450]);
  });

  test("of a letterboxed image are moved and scaled back to the image", async () => {
    // 200 x 100 pixels in a frame of 100 x 100: halved, with 25 rows above and below.
    const itemMetadata: ImageMetadata = {
      ...METADATA,
      width: 200,
      height: 100,
      placement: { scaleX: 0.5, scaleY: 0.5, offsetX: 0, offsetY: 25 },
    };
    const [found] = await detect([[0.25, 0.25, 0.75, 0.5]], [0.9], { itemMetadata });
    expect(found && corners(found)).toEqual([50, 0, 150, 50]);
  });

  test("are clipped to the image, and left out when nothing remains", async () => {
    const found = await detect(
      [
        [-0.25, 0.5, 0.25, 1.5],
        [1.25, 0, 1.5, 0.5],
      ],
      [0.9, 0.8],
    );
    expect(found.map(corners)).toEqual([[0, 500, 250, 1000]]);
  });
});

describe("scores", () => {
  test("below the threshold are left out; the request may set another", async () => {
    const boxes = [
      [0, 0, 0.1, 0.1],
      [0.5, 0.5, 0.6, 0.6],
    ];
    const scores = [0.4, 0.75];
    expect((await detect(boxes, scores)).map(({ score }) => score)).toEqual([0.75]);
    expect(await detect(boxes, scores, { threshold: 0.25 })).toHaveLength(2);
    expect(await detect(boxes, scores, { threshold: 0.8 })).toEqual([]);
  });

  test("go through a sigmoid where the block says so", async () => {
    const [found] = await detect([[0, 0, 1, 1]], [Math.log(3)], { scoreActivation: "sigmoid" });
    expect(found?.score).toBeCloseTo(0.75, 6);
  });

  test("at most maxDetections objects are returned", async () => {
    const boxes = Array.from({ length: 30 }, (_, at) => [at / 30, 0, (at + 1) / 30, 1]);
    const found = await detect(
      boxes,
      boxes.map((_, at) => 0.6 + at / 100),
      { maxDetections: 3 },
    );
    expect(found.map(({ box }) => Math.round(box.xmin))).toEqual([967, 933, 900]);
  });

  test("that are NaN are an error of the inference", async () => {
    await expect(detect([[0, 0, 1, 1]], [Number.NaN])).rejects.toThrow(
      /NaN or infinity in output "scores"/,
    );
  });

  test("of fewer boxes than there are are an error of the model's task", async () => {
    const boxes = [
      [0, 0, 1, 1],
      [0, 0, 1, 1],
    ];
    const error = await rejectedApiError("task_not_supported", detect(boxes, [0.5]));
    expect(error.message).toMatch(/"scores" is FP32 \[1, 1, 1\].*\[batch, 2, 1\]/);
  });

  test("of a larger batch than that of the images are an error of the model's task", async () => {
    const postprocessor = createObjectDetectionPostprocessor(BLOCK, ["thing"]);
    const boxes = tensor("boxes", [0, 0, 1, 1, 0, 0, 1, 1], 4, 2);
    const scores = tensor("scores", [0.9, 0.9], 1, 2);
    const error = await rejectedApiError(
      "task_not_supported",
      postprocessor.toPredictions([boxes, scores], [METADATA], {}),
    );
    expect(error.message).toContain("a batch of 1");
  });
});

test("each image of a batch has a prediction", async () => {
  const postprocessor = createObjectDetectionPostprocessor(BLOCK, ["thing"]);
  const boxes = tensor("boxes", [0, 0, 0.5, 0.5, 0, 0, 1, 1], 4, 2);
  const small: ImageMetadata = {
    ...METADATA,
    placement: { ...METADATA.placement, scaleX: 1, scaleY: 1 },
  };
  const predictions = (await postprocessor.toPredictions(
    [boxes, tensor("scores", [0.9, 0.7], 1, 2)],
    [METADATA, { ...small, width: 100, height: 100 }],
    {},
  )) as Detection[][];
  expect(predictions.map((found) => found.map(corners))).toEqual([
    [[0, 0, 500, 500]],
    [[0, 0, 100, 100]],
  ]);
});
