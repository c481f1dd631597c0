import { quoteAll } from "../../../shared/quote.ts";
import type { Dimension, TensorSpec } from "../../tensor.ts";
import type { ManifestContext, Problem } from "../block-definition.ts";
import { imageSize } from "../preprocess/image.ts";
import {
  findSpec,
  fixedSize,
  labelProblems,
  missingLabels,
  pairProblems,
  tensorProblems,
} from "../tensor-checks.ts";
import { countPriors, mapSizes } from "./detection-fields.ts";
import type { ObjectDetectionBlock } from "./object-detection.ts";

/** More are no plan of anchors. */
const MAX_PRIORS = 1_000_000;
const COORDINATES = 4;

/** What contradicts a block "object-detection". */
export function* detectionProblems(
  block: ObjectDetectionBlock,
  manifest: ManifestContext,
): Generator<Problem> {
  yield* pairProblems("object-detection", manifest, "image");
  yield* missingLabels("object-detection", manifest);
  yield* ignoredLabelProblems(block, manifest.labels ?? []);
  yield* fieldProblems(block);
  yield* priorProblems(block, manifest);
  if (block.scores === undefined) yield* wholeProblems(block, manifest);
  else yield* separateProblems(block, block.scores, manifest);
  yield* partProblems(block, manifest);
}

/** Fields that contradict each other. */
function* fieldProblems(block: ObjectDetectionBlock): Generator<Problem> {
  const { scores, classes, scoring, scoreActivation, priors, rotated, boxFormat } = block;
  const problem = (field: string, message: string): Problem => ({
    path: ["postprocess", field],
    message,
  });
  if (classes !== undefined && scoring !== "class-index")
    yield problem("classes", 'are for the scoring "class-index"');
  if (scoring === "class-index" && scores !== undefined && classes === undefined)
    yield problem(
      "classes",
      'must name the output that has the labels, for the scoring "class-index"',
    );
  if (classes !== undefined && scores === undefined)
    yield problem("scores", "must name an output, as `classes` does");
  if (scoring === "objectness" && scores !== undefined)
    yield problem(
      "scoring",
      '"objectness" is for an output that has all values of a box: leave `scores` out',
    );
  if (scoreActivation === "softmax" && scoring === "class-index")
    yield problem("scoreActivation", "softmax needs a score for each label");
  if (rotated && boxFormat !== "cxcywh")
    yield problem("boxFormat", `must be cxcywh for rotated boxes; it is ${boxFormat}`);
  if (rotated && (scores !== undefined || priors))
    yield problem("rotated", "is for an output that has all values of a box, without priors");
  if (!priors) return;
  const formats = priors.encoding === "distances" ? ["xyxy", "yxyx"] : ["cxcywh", "cycxhw"];
  if (!formats.includes(boxFormat))
    yield problem(
      "boxFormat",
      `must be ${formats.join(" or ")} for priors with the encoding ${priors.encoding}; it is ${boxFormat}`,
    );
  if (block.coordinates !== "pixels")
    yield problem("coordinates", "must be pixels, in which priors are");
}

function* priorProblems(
  block: ObjectDetectionBlock,
  { preprocess, outputs }: ManifestContext,
): Generator<Problem> {
  const frame = frameOf(preprocess);
  if (!block.priors || !frame) return;
  const count = countPriors(mapSizes(block.priors, frame));
  const path = ["postprocess", "priors"];
  if (count > MAX_PRIORS)
    yield { path, message: `make ${count} boxes, and may make ${MAX_PRIORS}` };
  const shape = findSpec(outputs, block.boxes)?.shape ?? [];
  const boxes = fixedSize(shape[block.layout === "rows" ? 1 : 2]);
  if (boxes !== undefined && boxes !== count)
    yield { path, message: `make ${count} boxes, and "${block.boxes}" has ${boxes}` };
}

function frameOf(preprocess: ManifestContext["preprocess"]) {
  return preprocess?.type === "image" && "resize" in preprocess
    ? imageSize(preprocess as Parameters<typeof imageSize>[0])
    : undefined;
}

/** One output has all values of a box. */
function* wholeProblems(
  block: ObjectDetectionBlock,
  { outputs, labels = [] }: ManifestContext,
): Generator<Problem> {
  const boxes = findSpec(outputs, block.boxes);
  if (!boxes) return;
  const prototypes = fixedSize(findSpec(outputs, block.masks?.prototypes ?? "")?.shape[1]);
  const values = valuesOfBox(block, labels.length, prototypes);
  yield* tensorProblems(["postprocess", "boxes"], boxes, {
    datatypes: ["FP32"],
    shapes: shapesOf(block, "boxes", values ?? "values"),
  });
}

/** Boxes, scores and labels are outputs of their own. */
function* separateProblems(
  block: ObjectDetectionBlock,
  scoresName: string,
  manifest: ManifestContext,
): Generator<Problem> {
  const boxes = findSpec(manifest.outputs, block.boxes);
  const scores = findSpec(manifest.outputs, scoresName);
  if (boxes)
    yield* tensorProblems(["postprocess", "boxes"], boxes, {
      datatypes: ["FP32"],
      shapes: shapesOf(block, "boxes", COORDINATES),
    });
  if (!scores) return;
  const count = boxes && boxCount(block, boxes);
  if (block.scoring === "class-index") {
    const classes = findSpec(manifest.outputs, block.classes ?? "");
    const shapes: Dimension[][] = [["batch", count ?? "boxes"], [count ?? "boxes"]];
    yield* tensorProblems(["postprocess", "scores"], scores, { datatypes: ["FP32"], shapes });
    if (classes)
      yield* tensorProblems(["postprocess", "classes"], classes, {
        datatypes: ["FP32", "INT64", "INT32"],
        shapes,
      });
    return;
  }
  yield* tensorProblems(["postprocess", "scores"], scores, {
    datatypes: ["FP32"],
    shapes: shapesOf(block, count ?? "boxes", "labels"),
  });
  if (manifest.labels?.length && scores.shape.length === 3)
    yield* labelProblems(
      manifest,
      fixedSize(scores.shape[block.layout === "rows" ? 2 : 1]),
      scores.name,
    );
}

/** Keypoints and masks that are outputs of their own. */
function* partProblems(
  block: ObjectDetectionBlock,
  { outputs }: ManifestContext,
): Generator<Problem> {
  const { keypoints, masks } = block;
  const values = keypoints && findSpec(outputs, keypoints.output ?? "");
  if (values)
    yield* tensorProblems(["postprocess", "keypoints", "output"], values, {
      datatypes: ["FP32"],
      shapes: shapesOf(block, "boxes", keypoints.labels.length * (keypoints.scores ? 3 : 2)),
    });
  else if (keypoints && block.scores !== undefined)
    yield {
      path: ["postprocess", "keypoints", "output"],
      message: "must name an output, because `boxes` has no values but coordinates",
    };
  const prototypes = masks && findSpec(outputs, masks.prototypes);
  if (prototypes)
    yield* tensorProblems(["postprocess", "masks", "prototypes"], prototypes, {
      datatypes: ["FP32"],
      shapes: [["batch", "prototypes", "height", "width"]],
    });
  const coefficients = masks && findSpec(outputs, masks.coefficients ?? "");
  if (coefficients)
    yield* tensorProblems(["postprocess", "masks", "coefficients"], coefficients, {
      datatypes: ["FP32"],
      shapes: shapesOf(block, "boxes", fixedSize(prototypes?.shape[1]) ?? "prototypes"),
    });
  else if (masks && block.scores !== undefined)
    yield {
      path: ["postprocess", "masks", "coefficients"],
      message: "must name an output, because `boxes` has no values but coordinates",
    };
}

/**
 * How many values an output has of a box, where it has all of them.
 * @returns `undefined` where that depends on a dynamic number of prototypes
 */
export function valuesOfBox(
  { scoring, masks, keypoints, rotated }: ObjectDetectionBlock,
  labels: number,
  prototypes: number | undefined,
): number | undefined {
  const scores = { "per-label": labels, objectness: labels + 1, "class-index": 2 }[scoring];
  const coefficients = masks && masks.coefficients === undefined ? prototypes : 0;
  if (coefficients === undefined) return undefined;
  const places =
    keypoints && keypoints.output === undefined
      ? keypoints.labels.length * (keypoints.scores ? 3 : 2)
      : 0;
  return COORDINATES + scores + coefficients + places + (rotated ? 1 : 0);
}

/** Also without a batch, as detectors with a suppression in their graph return boxes. */
function shapesOf(
  { layout, scoring }: ObjectDetectionBlock,
  boxes: Dimension,
  values: Dimension,
): Dimension[][] {
  if (layout === "columns") return [["batch", values, boxes]];
  return scoring === "class-index"
    ? [
        ["batch", boxes, values],
        [boxes, values],
      ]
    : [["batch", boxes, values]];
}

function boxCount({ layout }: ObjectDetectionBlock, { shape }: TensorSpec): number | undefined {
  if (shape.length === 2) return fixedSize(shape[0]);
  return shape.length === 3 ? fixedSize(shape[layout === "rows" ? 1 : 2]) : undefined;
}

function* ignoredLabelProblems(
  { ignoreLabels }: ObjectDetectionBlock,
  labels: readonly string[],
): Generator<Problem> {
  if (labels.length === 0) return;
  for (const [index, label] of ignoreLabels.entries())
    if (!labels.includes(label))
      yield {
        path: ["postprocess", "ignoreLabels", index],
        message: `must be one of labels (${quoteAll(labels)}); it is ${JSON.stringify(label)}`,
      };
  if (labels.every((label) => ignoreLabels.includes(label)))
    yield { path: ["postprocess", "ignoreLabels"], message: "must leave at least one of labels" };
}
