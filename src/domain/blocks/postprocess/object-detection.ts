import * as z from "zod";
import type { PostprocessDefinition } from "../block-definition.ts";
import { blockVersion as version } from "../block-fields.ts";
import { keypointsSchema, masksSchema, priorsSchema } from "./detection-fields.ts";
import { detectionProblems } from "./detection-problems.ts";

const fraction = z.number().min(0).max(1);

const schema = z.strictObject({
  type: z.literal("object-detection"),
  version,
  boxes: z
    .string()
    .describe(
      "The model's FP32 output, of shape [batch, boxes, 4]; without `scores` [batch, boxes, values], with all values of a box: its coordinates, what `scoring` says, coefficients of its mask, keypoints, angle.",
    ),
  scores: z
    .string()
    .optional()
    .describe("The model's FP32 output, of shape [batch, boxes, labels], where `boxes` has none."),
  classes: z
    .string()
    .optional()
    .describe(
      "The output with the index of each box's label, [batch, boxes], beside `scores` of that shape.",
    ),
  layout: z
    .enum(["rows", "columns"])
    .default("rows")
    .describe("Whether outputs are [batch, boxes, values] or [batch, values, boxes]."),
  boxFormat: z
    .enum(["xyxy", "yxyx", "xywh", "cxcywh", "cycxhw"])
    .describe(
      "Left, top, right, bottom; top, left, bottom, right; left, top, width, height; the centre's x and y, width and height; or the centre's y and x, height and width.",
    ),
  coordinates: z
    .enum(["normalized", "pixels"])
    .describe("Whether 1 is the width and the height of the model's input, or one pixel of it."),
  priors: priorsSchema.optional(),
  rotated: z
    .boolean()
    .default(false)
    .describe("Whether the last value of a box is its angle, clockwise in radians."),
  scoring: z
    .enum(["per-label", "objectness", "class-index"])
    .default("per-label")
    .describe(
      "A score for each label; a score of any object, then one for each label, by which it is multiplied; or one score and the index of its label.",
    ),
  scoreActivation: z
    .enum(["none", "sigmoid", "softmax"])
    .describe("What is applied to the output to make it scores."),
  labelsPerBox: z
    .enum(["all", "best"])
    .default("all")
    .describe("Whether a box may be an object of several labels."),
  scoreThreshold: fraction.describe(
    "The lowest score of an object, unless the request says otherwise.",
  ),
  suppression: z
    .enum(["by-label", "across-labels", "none"])
    .default("by-label")
    .describe(
      "Whether boxes are compared that have the same label, all boxes, or none, because the model has done it.",
    ),
  iouThreshold: fraction
    .default(0.5)
    .describe(
      "Of two boxes whose intersection over union is above it, the one with the higher score stays.",
    ),
  ignoreLabels: z
    .array(z.string())
    .default([])
    .describe("Labels of no object, such as that of the background: they take no candidate."),
  maxDetections: z.int().min(1).max(1000).describe("How many objects are returned for one image."),
  keypoints: keypointsSchema.optional(),
  masks: masksSchema.optional(),
});

export type ObjectDetectionBlock = z.output<typeof schema>;

export const boundingBox = z.strictObject({
  xmin: z.number(),
  ymin: z.number(),
  xmax: z.number(),
  ymax: z.number(),
});
const keypoint = z.strictObject({
  label: z.string(),
  x: z.number(),
  y: z.number(),
  score: z.number().optional(),
});
const detectedObject = z.strictObject({
  label: z.string(),
  score: z.number(),
  box: boundingBox,
  keypoints: z.array(keypoint).optional().describe("In pixels, in the model's order."),
  polygon: z
    .array(z.tuple([z.number(), z.number()]))
    .optional()
    .describe("The four corners of a rotated box, x and y in pixels."),
  rotation: z.number().optional().describe("Of a rotated box, clockwise in radians."),
  mask: z
    .string()
    .optional()
    .describe("A PNG of the image's size in base64, white where the object is."),
});

/** Objects in an image. */
export const objectDetectionBlock = {
  type: "object-detection",
  schema,
  parameters: z.strictObject({
    threshold: fraction.optional().describe("the lowest score of an object"),
    masks: z
      .boolean()
      .optional()
      .describe("whether objects have masks, of a model that makes them; default true"),
  }),
  prediction: z
    .array(detectedObject)
    .describe("Object detection: labels with scores and boxes in pixels, best first."),
  named: { BoundingBox: boundingBox, Keypoint: keypoint, DetectedObject: detectedObject },
  references: (block) => ({ outputs: detectionOutputs(block) }),
  problems: detectionProblems,
} satisfies PostprocessDefinition<typeof schema>;

/** The outputs that the block reads, each once; the first are the boxes. */
export function detectionOutputs({
  boxes,
  scores,
  classes,
  keypoints,
  masks,
}: ObjectDetectionBlock): readonly string[] {
  const named = [boxes, scores, classes, keypoints?.output, masks?.prototypes, masks?.coefficients];
  return [...new Set(named.filter((name) => name !== undefined))];
}
