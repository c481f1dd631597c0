import * as z from "zod";
import type { PostprocessDefinition } from "../block-definition.ts";
import { blockVersion as version } from "../block-fields.ts";
import {
  findSpec,
  fixedSize,
  labelProblems,
  missingLabels,
  NUMERIC,
  tensorProblems,
} from "../tensor-checks.ts";

const schema = z.strictObject({
  type: z.literal("classification"),
  version,
  scores: z
    .string()
    .describe(
      "The model's output, of shape [batch, classes]; of two classes also [batch, 1] or [batch], the score of the second.",
    ),
  activation: z
    .enum(["none", "softmax", "sigmoid"])
    .describe("What is applied to the output to make it scores."),
  topK: z
    .int()
    .min(1)
    .optional()
    .describe("How many labels are returned by default; all when left out."),
});

export type ClassificationBlock = z.output<typeof schema>;

const labelScore = z.strictObject({ label: z.string(), score: z.number() });

/** Labels with scores. */
export const classificationBlock = {
  type: "classification",
  schema,
  parameters: z.strictObject({
    top_k: z.int().min(1).optional().describe("how many labels are returned"),
    function_to_apply: z
      .enum(["softmax", "sigmoid", "none"])
      .optional()
      .describe("what makes the model's output scores, instead of the manifest's `activation`"),
  }),
  prediction: z.array(labelScore).describe("Classification: labels with scores, best first."),
  named: { LabelScore: labelScore },
  texts: { inputs: "pairs" },
  references: ({ scores }) => ({ outputs: [scores] }),
  *problems(block, manifest) {
    yield* missingLabels("classification", manifest);
    const spec = findSpec(manifest.outputs, block.scores);
    if (!spec) return;
    const shapes = [["batch", "classes"], ["batch"]];
    yield* tensorProblems(["postprocess", "scores"], spec, { datatypes: NUMERIC, shapes });
    const { shape } = spec;
    if (!manifest.labels?.length || shape.length === 0 || shape.length > 2) return;
    const scores = shape.length === 1 ? 1 : fixedSize(shape[1]);
    const isBinary = scores === 1 && manifest.labels.length === 2;
    if (scores === 1 && block.activation === "softmax")
      yield {
        path: ["postprocess", "activation"],
        message: `the softmax of one score is always 1; ${JSON.stringify(spec.name)} has one`,
      };
    if (!isBinary) yield* labelProblems(manifest, scores, spec.name);
  },
} satisfies PostprocessDefinition<typeof schema>;
