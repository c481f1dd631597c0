import * as z from "zod";
import { quoteAll } from "../../../shared/quote.ts";
import type { ManifestContext, PostprocessDefinition, Problem } from "../block-definition.ts";
import { blockVersion as version } from "../block-fields.ts";
import {
  findSpec,
  fixedSize,
  labelProblems,
  missingLabels,
  tensorProblems,
} from "../tensor-checks.ts";
import { imagePairProblems, maskLayout } from "./image-fields.ts";

const fraction = z.number().min(0).max(1);

const schema = z.strictObject({
  type: z.literal("image-segmentation"),
  version,
  output: z
    .string()
    .describe(
      "The model's output: [batch, labels, rows, columns], or in the order of `layout`; one plane may lack its dimension.",
    ),
  form: z
    .enum(["logits", "classes", "mattes"])
    .describe(
      "A score for each label, of which the highest wins; the index of the label, an integer; or how much of each pixel belongs to each label by itself.",
    ),
  layout: maskLayout,
  activation: z
    .enum(["none", "softmax", "sigmoid"])
    .default("none")
    .describe("What makes the output probabilities: softmax of logits, sigmoid of mattes."),
  maskThreshold: fraction
    .optional()
    .describe(
      "Of mattes: from which probability on a pixel is part of the mask. Without it levels of masks are probabilities.",
    ),
  scoreThreshold: fraction
    .default(0)
    .describe("The lowest score of a label, unless the request says otherwise."),
  ignoreLabels: z
    .array(z.string())
    .default([])
    .describe("Labels that get no mask, such as that of the background."),
});

export type ImageSegmentationBlock = z.output<typeof schema>;

const segment = z.strictObject({
  label: z.string(),
  score: z.number().optional().describe("Absent where the model returns labels without scores."),
  mask: z.string().describe("Base64 of a PNG file of the image's size, grey levels of 8 bits."),
});

/** Where in an image each label is. */
export const imageSegmentationBlock = {
  type: "image-segmentation",
  schema,
  parameters: z.strictObject({
    threshold: fraction.optional().describe("the lowest score of a label"),
    mask_threshold: fraction
      .optional()
      .describe(
        "from which probability on a pixel is part of a mask, where the model returns mattes",
      ),
    subtask: z
      .literal("semantic")
      .optional()
      .describe("one mask for each label: instances are not told apart"),
  }),
  prediction: z
    .array(segment)
    .describe("Image segmentation: labels with scores and masks, best first."),
  named: { ImageSegment: segment },
  picture: { isDefault: false, description: "the image, with its masks in colours" },
  references: ({ output }) => ({ outputs: [output] }),
  *problems(block, manifest) {
    yield* imagePairProblems("image-segmentation", manifest);
    yield* missingLabels("image-segmentation", manifest);
    yield* ignoredLabelProblems(block, manifest.labels ?? []);
    yield* formProblems(block);
    yield* outputProblems(block, manifest);
  },
} satisfies PostprocessDefinition<typeof schema>;

const INTEGERS = ["UINT8", "INT8", "UINT16", "INT16", "INT32", "UINT32", "INT64"] as const;

function* formProblems({
  form,
  activation,
  maskThreshold,
}: ImageSegmentationBlock): Generator<Problem> {
  const wrong =
    form === "classes" ? activation !== "none" : form === "mattes" && activation === "softmax";
  if (wrong)
    yield {
      path: ["postprocess", "activation"],
      message: `must be ${form === "classes" ? "none" : "none or sigmoid"} for ${form}; it is ${activation}`,
    };
  if (maskThreshold !== undefined && form !== "mattes")
    yield { path: ["postprocess", "maskThreshold"], message: `is for mattes; the form is ${form}` };
}

function* outputProblems(
  block: ImageSegmentationBlock,
  manifest: ManifestContext,
): Generator<Problem> {
  const spec = findSpec(manifest.outputs, block.output);
  if (!spec) return;
  const { form, layout } = block;
  const labels = manifest.labels?.length ?? 0;
  const isOne = form === "classes" || (form === "mattes" && labels === 1);
  const planes = isOne ? 1 : "labels";
  const shape =
    layout === "NHWC" ? ["batch", "rows", "columns", planes] : ["batch", planes, "rows", "columns"];
  const shapes = isOne ? [shape, ["batch", "rows", "columns"]] : [shape];
  const datatypes = form === "classes" ? INTEGERS : (["FP32"] as const);
  yield* tensorProblems(["postprocess", "output"], spec, { datatypes, shapes });
  if (!isOne && labels > 0 && spec.shape.length === 4)
    yield* labelProblems(manifest, fixedSize(spec.shape[layout === "NHWC" ? 3 : 1]), spec.name);
}

function* ignoredLabelProblems(
  { ignoreLabels }: ImageSegmentationBlock,
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
