import { ApiError } from "../../domain/errors.ts";
import { intersectionOverUnion } from "../../tasks/image/non-maximum-suppression.ts";
import type { Detection, DetectionBox } from "../../tasks/image/object-detection-postprocessor.ts";
import type { VersionBlocks } from "../explained-version.ts";
import { onlySpace } from "../media/choose-space.ts";
import type { ReadItem } from "../media/item-reader.ts";
import type { Reading } from "../media/reading.ts";
import type { ExplanationRequest } from "../method.ts";

/** Boxes that overlap less are two objects. */
const SAME_OBJECT = 0.5;
/** An object that is hidden in part has a lower score than the model's threshold, and not none. */
const THRESHOLD = 0.01;

export interface DetectionReading {
  readonly reading: Reading;
  readonly found: readonly Detection[];
}

/**
 * Objects of a picture: the value of each is the score of the best box of its label that overlaps its own by half or more, and 0 where
 * there is none.
 * Source: Petsiuk et al., Black-box Explanation of Object Detectors via Saliency Maps, CVPR 2021, without its product with the overlap.
 */
export async function readDetections(
  { version, space }: Pick<ExplanationRequest, "version" | "space">,
  { postprocessor }: VersionBlocks,
  whole: ReadItem,
): Promise<DetectionReading> {
  const only = onlySpace("probability", "scores boxes", { space, version });
  const detect = async ({ tensors, metadata }: ReadItem, parameters: object) => {
    const results = await version.infer(tensors, postprocessor.outputs, 1);
    const [prediction] = await postprocessor.toPredictions(
      results,
      metadata ? [metadata] : [],
      postprocessor.parameters.parse({ masks: false, ...parameters }),
      () => version.call.checkpoint(),
    );
    return prediction as readonly Detection[];
  };
  const found = await detect(whole, {});
  if (found.length === 0)
    throw new ApiError(
      "invalid_input",
      "inputs is a picture in which the model detects nothing, so that there is nothing to explain.",
    );
  const scoresOf = (detections: readonly Detection[]): Float64Array =>
    Float64Array.from(found, ({ label, box }) =>
      detections.reduce(
        (best, other) =>
          other.label === label && overlap(other.box, box) >= SAME_OBJECT
            ? Math.max(best, other.score)
            : best,
        0,
      ),
    );
  return {
    found,
    reading: {
      space: only,
      names: found.map(({ label }, at) => (found.length > 1 ? `${label} ${at}` : label)),
      predicted: 0,
      full: Float64Array.from(found, ({ score }) => score),
      value: async (item) => scoresOf(await detect(item, { threshold: THRESHOLD })),
    },
  };
}

function overlap(a: DetectionBox, b: DetectionBox): number {
  return intersectionOverUnion([a.xmin, a.ymin, a.xmax, a.ymax], [b.xmin, b.ymin, b.xmax, b.ymax]);
}
