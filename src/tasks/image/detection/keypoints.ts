import type { KeypointsField } from "../../../domain/blocks/postprocess/detection-fields.ts";
import { sigmoid } from "../../../shared/activations.ts";
import type { ImageMetadata } from "../image-preprocessor.ts";
import { toImagePlace } from "../placed-point.ts";
import type { BoxReader } from "./box-reader.ts";
import { type BoxValues, valueAt } from "./detection-values.ts";

/** A named place of an object, in pixels of the image. */
export interface Keypoint {
  readonly label: string;
  readonly x: number;
  readonly y: number;
  readonly score?: number;
}

type ReadKeypoints = (
  values: BoxValues,
  row: number,
  boxes: BoxReader,
  image: ImageMetadata,
) => readonly Keypoint[];

/** The keypoints of a box, clipped to the image. */
export function createKeypointReader({
  labels,
  scores,
  scoreActivation,
}: KeypointsField): ReadKeypoints {
  const width = scores ? 3 : 2;
  const activate = scoreActivation === "sigmoid" ? sigmoid : (value: number) => value;
  return (values, row, boxes, image) =>
    labels.map((label, index) => {
      const at = index * width;
      const place = boxes.placeOf(row, valueAt(values, row, at), valueAt(values, row, at + 1));
      const [x, y] = toImagePlace(...place, image);
      return {
        label,
        x: Math.min(Math.max(x, 0), image.width),
        y: Math.min(Math.max(y, 0), image.height),
        ...(scores && { score: activate(valueAt(values, row, at + 2)) }),
      };
    });
}
