import {
  detectionOutputs,
  type ObjectDetectionBlock,
  objectDetectionBlock,
} from "../../domain/blocks/postprocess/object-detection.ts";
import type { Call } from "../../domain/call.ts";
import type { Postprocessor, Predictions } from "../postprocessor.ts";
import type { ItemMetadata } from "../preprocessor.ts";
import { createBoxReaders } from "./detection/box-reader.ts";
import { createCandidateFinder } from "./detection/candidates.ts";
import {
  type DetectionValues,
  readDetectionValues,
  valueAt,
} from "./detection/detection-values.ts";
import { maskOfBox } from "./detection/instance-masks.ts";
import { createKeypointReader, type Keypoint } from "./detection/keypoints.ts";
import {
  cornersOfRotated,
  probabilisticOverlap,
  type RotatedBox,
  toRotatedBox,
} from "./detection/rotated-box.ts";
import type { ImageMetadata } from "./image-preprocessor.ts";
import { type Corners, intersectionOverUnion, suppress } from "./non-maximum-suppression.ts";
import { toImagePlace } from "./placed-point.ts";

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
  readonly keypoints?: readonly Keypoint[];
  /** Corners of a rotated box. */
  readonly polygon?: readonly (readonly [x: number, y: number])[];
  /** Clockwise, in radians. */
  readonly rotation?: number;
  /** A PNG of the image's size, in base64. */
  readonly mask?: string;
}

/** An object whose mask is still to be made. */
interface Found {
  readonly row: number;
  readonly detection: Detection;
}

/**
 * Objects with their boxes, best first: the shape of Hugging Face's object detection, and what the model says of each beside it. Boxes
 * that overlap are compared in the model's input, before they are clipped to the image.
 */
export function createObjectDetectionPostprocessor(
  block: ObjectDetectionBlock,
  labels: readonly string[],
): Postprocessor<typeof objectDetectionBlock.parameters, Promise<Predictions>> {
  const findCandidates = createCandidateFinder(block, labels);
  const readBoxes = createBoxReaders(block);
  const keypointsOf = block.keypoints && createKeypointReader(block.keypoints);

  /** Objects of one image. */
  const find = async (
    values: DetectionValues,
    image: ImageMetadata,
    threshold: number,
    checkpoint: Call["checkpoint"],
  ): Promise<readonly Found[]> => {
    const candidates = findCandidates(values, threshold);
    const boxes = readBoxes(values.boxes, values.count, image.frame);
    const { angles } = values;
    const beside = (row: number) =>
      keypointsOf && values.keypoints
        ? { keypoints: keypointsOf(values.keypoints, row, boxes, image) }
        : {};
    if (!angles) {
      const geometry = { boxOf: boxes.cornersOf, overlap: intersectionOverUnion };
      const kept = await suppress(candidates, geometry, block, checkpoint);
      return kept.map(({ row, label, score, box }) => ({
        row,
        detection: { label: labels[label] ?? "", score, box: boxIn(box, image), ...beside(row) },
      }));
    }
    const geometry = {
      boxOf: (row: number) => toRotatedBox(boxes.cornersOf(row), valueAt(angles, row, 0)),
      overlap: probabilisticOverlap,
    };
    const kept = await suppress(candidates, geometry, block, checkpoint);
    return kept.map(({ row, label, score, box }) => ({
      row,
      detection: { label: labels[label] ?? "", score, ...rotatedIn(box, image), ...beside(row) },
    }));
  };

  return {
    outputs: detectionOutputs(block),
    parameters: objectDetectionBlock.parameters,
    async toPredictions(
      results,
      metadata,
      { threshold = block.scoreThreshold, masks = true },
      checkpoint = async () => {},
    ) {
      const valuesOf = readDetectionValues(block, labels.length, results, metadata.length);
      const predictions: Detection[][] = [];
      for (const [item, itemMetadata] of metadata.entries()) {
        const image = asImageMetadata(itemMetadata);
        const values = valuesOf(item);
        const found = await find(values, image, threshold, checkpoint);
        const detections: Detection[] = [];
        for (const { row, detection } of found) {
          const { box } = detection;
          if (box.xmax <= box.xmin || box.ymax <= box.ymin) continue;
          const { prototypes, coefficients } = values;
          if (!masks || !prototypes || !coefficients) {
            detections.push(detection);
            continue;
          }
          const mask = await maskOfBox(prototypes, coefficients, row, box, image, checkpoint);
          detections.push({ ...detection, mask });
          await checkpoint();
        }
        predictions.push(detections);
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

/** Maps a box of the model's input to the image, and clips it. */
function boxIn([left, top, right, bottom]: Corners, image: ImageMetadata): DetectionBox {
  const [xmin, ymin] = toImagePlace(left, top, image);
  const [xmax, ymax] = toImagePlace(right, bottom, image);
  return clipTo([xmin, ymin, xmax, ymax], image);
}

/** A rotated box in the image: its corners, which are not clipped, and the box around them. */
function rotatedIn(
  rotated: RotatedBox,
  image: ImageMetadata,
): Pick<Detection, "box" | "polygon" | "rotation"> {
  const polygon = cornersOfRotated(rotated).map(([x, y]) => toImagePlace(x, y, image));
  const [xs, ys] = [polygon.map(([x]) => x), polygon.map(([, y]) => y)];
  const box = clipTo([Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)], image);
  // An image that is scaled by two factors turns the box.
  const [, [toX, toY] = [0, 0], [fromX, fromY] = [0, 0]] = polygon;
  return { box, polygon, rotation: Math.atan2(toY - fromY, toX - fromX) };
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
