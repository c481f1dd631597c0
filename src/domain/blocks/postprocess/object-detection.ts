import * as z from "zod";
import { quoteAll } from "../../../shared/quote.ts";
import type { PostprocessDefinition, Problem } from "../block-definition.ts";
import { blockVersion as version } from "../block-fields.ts";
import {
  findSpec,
  fixedSize,
  labelProblems,
  missingLabels,
  pairProblems,
  tensorProblems,
} from "../tensor-checks.ts";

const fraction = z.number().min(0).max(1);

const schema = z.strictObject({
  type: z.literal("object-detection"),
  version,
  boxes: z.string().describe("The model's FP32 output, of shape [batch, boxes, 4]."),
  scores: z.string().describe("The model's FP32 output, of shape [batch, boxes, labels]."),
  boxFormat: z
    .enum(["xyxy", "cxcywh"])
    .describe("Left, top, right, bottom; or the centre, width and height."),
  coordinates: z
    .enum(["normalized", "pixels"])
    .describe("Whether 1 is the width and the height of the model's input, or one pixel of it."),
  scoreActivation: z
    .enum(["none", "sigmoid"])
    .describe("What is applied to the output to make it scores."),
  scoreThreshold: fraction.describe(
    "The lowest score of an object, unless the request says otherwise.",
  ),
  iouThreshold: fraction.describe(
    "Of two boxes of one label whose intersection over union is above it, the one with the higher score stays.",
  ),
  ignoreLabels: z
    .array(z.string())
    .default([])
    .describe("Labels of no object, such as that of the background: they take no candidate."),
  maxDetections: z.int().min(1).max(1000).describe("How many objects are returned for one image."),
});

export type ObjectDetectionBlock = z.output<typeof schema>;

const box = z.strictObject({
  xmin: z.number(),
  ymin: z.number(),
  xmax: z.number(),
  ymax: z.number(),
});
const detectedObject = z.strictObject({ label: z.string(), score: z.number(), box });

/** Objects in an image. */
export const objectDetectionBlock = {
  type: "object-detection",
  schema,
  parameters: z.strictObject({
    threshold: fraction.optional().describe("the lowest score of an object"),
  }),
  prediction: z
    .array(detectedObject)
    .describe("Object detection: labels with scores and boxes in pixels, best first."),
  named: { BoundingBox: box, DetectedObject: detectedObject },
  references: ({ boxes, scores }) => ({ outputs: [boxes, scores] }),
  *problems(block, manifest) {
    yield* pairProblems("object-detection", manifest, "image");
    yield* missingLabels("object-detection", manifest);
    yield* ignoredLabelProblems(block, manifest.labels ?? []);
    const boxes = findSpec(manifest.outputs, block.boxes);
    const scores = findSpec(manifest.outputs, block.scores);
    if (boxes)
      yield* tensorProblems(["postprocess", "boxes"], boxes, {
        datatypes: ["FP32"],
        shapes: [["batch", "boxes", 4]],
      });
    if (!scores) return;
    const count = boxes?.shape.length === 3 ? fixedSize(boxes.shape[1]) : undefined;
    yield* tensorProblems(["postprocess", "scores"], scores, {
      datatypes: ["FP32"],
      shapes: [["batch", count ?? "boxes", "labels"]],
    });
    if (manifest.labels?.length && scores.shape.length === 3)
      yield* labelProblems(manifest, fixedSize(scores.shape[2]), scores.name);
  },
} satisfies PostprocessDefinition<typeof schema>;

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
