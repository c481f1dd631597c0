import { z } from "zod";
import type { ObjectDetectionBlock } from "../../domain/blocks/image-blocks.ts";
import { ApiError } from "../../domain/errors.ts";
import { formatShape, type Tensor, toTypedArray } from "../../domain/tensor.ts";
import { sigmoid } from "../../shared/softmax.ts";
import type { Postprocessor } from "../postprocessor.ts";
import type { ItemMetadata } from "../preprocessor.ts";
import type { ImageMetadata } from "./image-preprocessor.ts";

const PARAMETERS = z.strictObject({ threshold: z.number().min(0).max(1).optional() });

/** Comparing boxes takes their number squared; weaker ones than the best of these are left out. */
const MAX_CANDIDATES = 1000;

/** Pixels of the picture as it is to be seen, from its top left corner. */
export interface DetectionBox {
  readonly xmin: number;
  readonly ymin: number;
  readonly xmax: number;
  readonly ymax: number;
}

export interface Detection {
  readonly label: string;
  readonly score: number;
  readonly box: DetectionBox;
}

/** A box and its score for one label. */
interface Candidate {
  readonly label: number;
  readonly score: number;
  readonly box: DetectionBox;
}

/**
 * Objects with their boxes, best first: the shape of Hugging Face's object detection. Each box counts
 * for every label that reaches the threshold; boxes of one label that overlap are one object
 * (`batched_nms` of torchvision), compared before they are cut at the picture's edges.
 */
export function createObjectDetectionPostprocessor(
  block: ObjectDetectionBlock,
  labels: readonly string[],
): Postprocessor<typeof PARAMETERS> {
  const activate = block.scoreActivation === "sigmoid" ? sigmoid : (value: number) => value;

  return {
    outputs: [block.boxes, block.scores],
    parameters: PARAMETERS,
    toAnswers([boxes, scores], metadata, { threshold = block.scoreThreshold }) {
      const corners = toNumbers(boxes, 4);
      const values = toNumbers(scores, labels.length);
      const count = values.length / labels.length / metadata.length;
      if (corners.length / 4 !== count * metadata.length)
        throw new Error(`the model has ${corners.length / 4} boxes for ${count} scores`);
      return metadata.map((itemMetadata, item) => {
        const image = asImageMetadata(itemMetadata);
        const candidates: Candidate[] = [];
        for (let at = item * count; at < (item + 1) * count; at++)
          for (let label = 0; label < labels.length; label++) {
            const score = activate(values[at * labels.length + label] as number);
            if (score >= threshold)
              candidates.push({
                label,
                score,
                box: toPicture(corners.subarray(at * 4, at * 4 + 4), block, image),
              });
          }
        const best = candidates.sort((a, b) => b.score - a.score).slice(0, MAX_CANDIDATES);
        return suppress(best, block)
          .map(({ label, score, box }) => ({
            label: labels[label] ?? "",
            score,
            box: cutAt(box, image),
          }))
          .filter(({ box }) => box.xmax > box.xmin && box.ymax > box.ymin);
      });
    },
  };
}

function asImageMetadata(itemMetadata: ItemMetadata): ImageMetadata {
  if (itemMetadata.kind !== "image")
    throw new Error(`object detection is of pictures, not ${itemMetadata.kind}`);
  return itemMetadata as ImageMetadata;
}

/** @throws ApiError `inference_failed` when a number is NaN or infinite, which no answer can carry */
function toNumbers(result: Tensor | undefined, columns: number): Float32Array {
  if (result?.datatype !== "FP32" || result.shape.length !== 3 || result.shape[2] !== columns)
    throw new Error(
      `output "${result?.name}" is ${result?.datatype} ${formatShape(result?.shape ?? [])}, not FP32 [batch, boxes, ${columns}]`,
    );
  const values = toTypedArray(result) as Float32Array;
  if (!values.every(Number.isFinite))
    throw new ApiError(
      "inference_failed",
      `The model answered with NaN or infinity in output "${result.name}": the picture is outside what it can compute.`,
    );
  return values;
}

/** From what the model saw to the picture. */
function toPicture(
  [a = 0, b = 0, c = 0, d = 0]: Float32Array,
  { boxFormat, coordinates }: ObjectDetectionBlock,
  { placement, frame }: ImageMetadata,
): DetectionBox {
  const edges = boxFormat === "xyxy" ? [a, b, c, d] : [a - c / 2, b - d / 2, a + c / 2, b + d / 2];
  const [left = 0, top = 0, right = 0, bottom = 0] = edges;
  const { scaleX, scaleY, offsetX, offsetY } = placement;
  const [unitX, unitY] = coordinates === "normalized" ? [frame.width, frame.height] : [1, 1];
  return {
    xmin: (left * unitX - offsetX) / scaleX,
    ymin: (top * unitY - offsetY) / scaleY,
    xmax: (right * unitX - offsetX) / scaleX,
    ymax: (bottom * unitY - offsetY) / scaleY,
  };
}

/** Greedy: the best box stays, and those of its label that it covers too much of go. */
function suppress(
  sorted: readonly Candidate[],
  { iouThreshold, maxDetections }: ObjectDetectionBlock,
): readonly Candidate[] {
  const kept: Candidate[] = [];
  for (const candidate of sorted) {
    if (kept.length === maxDetections) break;
    const isNew = kept.every(
      (other) =>
        other.label !== candidate.label ||
        intersectionOverUnion(other.box, candidate.box) <= iouThreshold,
    );
    if (isNew) kept.push(candidate);
  }
  return kept;
}

function intersectionOverUnion(a: DetectionBox, b: DetectionBox): number {
  const width = Math.min(a.xmax, b.xmax) - Math.max(a.xmin, b.xmin);
  const height = Math.min(a.ymax, b.ymax) - Math.max(a.ymin, b.ymin);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (areaOf(a) + areaOf(b) - shared);
}

function areaOf({ xmin, ymin, xmax, ymax }: DetectionBox): number {
  return (xmax - xmin) * (ymax - ymin);
}

function cutAt(box: DetectionBox, { width, height }: ImageMetadata): DetectionBox {
  const within = (value: number, most: number): number => Math.min(Math.max(value, 0), most);
  return {
    xmin: within(box.xmin, width),
    ymin: within(box.ymin, height),
    xmax: within(box.xmax, width),
    ymax: within(box.ymax, height),
  };
}
