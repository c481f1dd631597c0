import {
  type ObjectDetectionBlock,
  objectDetectionBlock,
} from "../../domain/blocks/postprocess/object-detection.ts";
import { type Tensor, toTypedArray } from "../../domain/tensor.ts";
import { sigmoid } from "../../shared/activations.ts";
import { notFinite, outputMismatch } from "../output-errors.ts";
import type { Postprocessor } from "../postprocessor.ts";
import type { ItemMetadata } from "../preprocessor.ts";
import type { ImageMetadata } from "./image-preprocessor.ts";

/** Candidates that are compared, best first: comparing takes time quadratic in their number. */
const MAX_CANDIDATES = 1000;

/** In pixels of the image with its EXIF orientation applied, from its top left corner. */
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
 * (`batched_nms` of torchvision), compared before they are clipped to the image.
 */
export function createObjectDetectionPostprocessor(
  block: ObjectDetectionBlock,
  labels: readonly string[],
): Postprocessor<typeof objectDetectionBlock.parameters> {
  const activate = block.scoreActivation === "sigmoid" ? sigmoid : (value: number) => value;

  return {
    outputs: [block.boxes, block.scores],
    parameters: objectDetectionBlock.parameters,
    toPredictions([boxes, scores], metadata, { threshold = block.scoreThreshold }) {
      const corners = toNumbers(boxes, 4);
      const values = toNumbers(scores, labels.length);
      const count = boxes?.shape[1] ?? 0;
      if (scores?.shape[1] !== count || scores.shape[0] !== boxes?.shape[0])
        throw outputMismatch(scores, `[batch, ${count}, ${labels.length}], as there are boxes`);
      if (boxes?.shape[0] !== metadata.length)
        throw outputMismatch(boxes, `a batch of ${metadata.length}, as its inputs have`);
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
                box: toImageBox(corners.subarray(at * 4, at * 4 + 4), block, image),
              });
          }
        const best = candidates.sort((a, b) => b.score - a.score).slice(0, MAX_CANDIDATES);
        return suppress(best, block)
          .map(({ label, score, box }) => ({
            label: labels[label] ?? "",
            score,
            box: clipTo(box, image),
          }))
          .filter(({ box }) => box.xmax > box.xmin && box.ymax > box.ymin);
      });
    },
  };
}

function asImageMetadata(itemMetadata: ItemMetadata): ImageMetadata {
  if (itemMetadata.kind !== "image")
    throw new Error(`object detection needs images, not ${itemMetadata.kind}`);
  return itemMetadata as ImageMetadata;
}

/**
 * @param columns the last dimension
 * @throws ApiError `task_not_supported` for another shape, `inference_failed` when a number is NaN or infinite
 */
function toNumbers(result: Tensor | undefined, columns: number): Float32Array {
  if (result?.datatype !== "FP32" || result.shape.length !== 3 || result.shape[2] !== columns)
    throw outputMismatch(result, `FP32 [batch, boxes, ${columns}]`);
  const values = toTypedArray(result) as Float32Array;
  if (!values.every(Number.isFinite)) throw notFinite(result.name);
  return values;
}

/** Maps a box of the model's input to the image. */
function toImageBox(
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

/** Non-maximum suppression: a box is dropped that overlaps a better one of its label too much. */
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

function clipTo(box: DetectionBox, { width, height }: ImageMetadata): DetectionBox {
  const within = (value: number, most: number): number => Math.min(Math.max(value, 0), most);
  return {
    xmin: within(box.xmin, width),
    ymin: within(box.ymin, height),
    xmax: within(box.xmax, width),
    ymax: within(box.ymax, height),
  };
}
