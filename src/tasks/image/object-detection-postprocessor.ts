import {
  type ObjectDetectionBlock,
  objectDetectionBlock,
} from "../../domain/blocks/postprocess/object-detection.ts";
import { type Tensor, toTypedArray } from "../../domain/tensor.ts";
import { sigmoid } from "../../shared/activations.ts";
import { notFinite, outputMismatch } from "../output-errors.ts";
import type { Postprocessor, Predictions } from "../postprocessor.ts";
import type { ItemMetadata } from "../preprocessor.ts";
import type { ImageMetadata } from "./image-preprocessor.ts";
import { type Corners, suppress } from "./non-maximum-suppression.ts";

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

/**
 * Objects with their boxes, best first: the shape of Hugging Face's object detection. Each box counts for every label that
 * reaches the threshold and is not ignored; boxes of one label that overlap are one object, compared before they are clipped to
 * the image.
 */
export function createObjectDetectionPostprocessor(
  block: ObjectDetectionBlock,
  labels: readonly string[],
): Postprocessor<typeof objectDetectionBlock.parameters, Promise<Predictions>> {
  const activate = block.scoreActivation === "sigmoid" ? sigmoid : (value: number) => value;
  const wanted = labels.flatMap((label, at) => (block.ignoreLabels.includes(label) ? [] : [at]));

  /** The indices of the scores that reach the threshold. */
  const candidatesOf = (scores: Float32Array, threshold: number): Int32Array => {
    const found = new Int32Array((scores.length / labels.length) * wanted.length);
    let count = 0;
    for (let row = 0; row < scores.length; row += labels.length)
      for (const label of wanted)
        if (activate(scores[row + label] as number) >= threshold) found[count++] = row + label;
    return found.subarray(0, count);
  };

  return {
    outputs: [block.boxes, block.scores],
    parameters: objectDetectionBlock.parameters,
    async toPredictions(
      [boxes, scores],
      metadata,
      { threshold = block.scoreThreshold },
      checkpoint = async () => {},
    ) {
      const corners = toNumbers(boxes, 4);
      const values = toNumbers(scores, labels.length);
      const count = boxes?.shape[1] ?? 0;
      if (scores?.shape[1] !== count || scores.shape[0] !== boxes?.shape[0])
        throw outputMismatch(scores, `[batch, ${count}, ${labels.length}], as there are boxes`);
      if (boxes?.shape[0] !== metadata.length)
        throw outputMismatch(boxes, `a batch of ${metadata.length}, as its inputs have`);
      const predictions: Detection[][] = [];
      for (const [item, itemMetadata] of metadata.entries()) {
        const image = asImageMetadata(itemMetadata);
        const ofItem = values
          .subarray(item * count * labels.length)
          .subarray(0, count * labels.length);
        const boxOf = (row: number): Corners => {
          const at = (item * count + row) * 4;
          return toImageBox(corners.subarray(at, at + 4), block, image);
        };
        const candidates = candidatesOf(ofItem, threshold);
        const kept = await suppress(ofItem, candidates, labels.length, boxOf, block, checkpoint);
        predictions.push(
          kept
            .map(({ index, label, box }) => ({
              label: labels[label] ?? "",
              score: activate(ofItem[index] as number),
              box: clipTo(box, image),
            }))
            .filter(({ box }) => box.xmax > box.xmin && box.ymax > box.ymin),
        );
        await checkpoint();
      }
      return predictions;
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
): Corners {
  const edges = boxFormat === "xyxy" ? [a, b, c, d] : [a - c / 2, b - d / 2, a + c / 2, b + d / 2];
  const [left = 0, top = 0, right = 0, bottom = 0] = edges;
  const { scaleX, scaleY, offsetX, offsetY } = placement;
  const [unitX, unitY] = coordinates === "normalized" ? [frame.width, frame.height] : [1, 1];
  return [
    (left * unitX - offsetX) / scaleX,
    (top * unitY - offsetY) / scaleY,
    (right * unitX - offsetX) / scaleX,
    (bottom * unitY - offsetY) / scaleY,
  ];
}

function clipTo([xmin, ymin, xmax, ymax]: Corners, { width, height }: ImageMetadata): DetectionBox {
  const within = (value: number, most: number): number => Math.min(Math.max(value, 0), most);
  return {
    xmin: within(xmin, width),
    ymin: within(ymin, height),
    xmax: within(xmax, width),
    ymax: within(ymax, height),
  };
}
