import * as z from "zod";
import type { PostprocessDefinition } from "../block-definition.ts";
import { blockVersion as version } from "../block-fields.ts";
import {
  findSpec,
  fixedSize,
  labelProblems,
  missingLabels,
  tensorProblems,
} from "../tensor-checks.ts";
import {
  aggregationField,
  frontEndProblems,
  soundParameters,
  windowTimes,
} from "./audio-fields.ts";

const activation = z.enum(["none", "softmax", "sigmoid"]);

const schema = z.strictObject({
  type: z.literal("audio-classification"),
  version,
  scores: z
    .string()
    .describe(
      "The model's FP32 output, of shape [batch, classes]; of a model without a batch [classes] or [frames, classes], whose mean is the window's.",
    ),
  activation: activation.describe(
    "What is applied to the output to make it scores: sigmoid for sounds of which several may be heard at once.",
  ),
  topK: z
    .int()
    .min(1)
    .optional()
    .describe("How many labels are returned by default; all when left out."),
  aggregation: aggregationField,
});

export type AudioClassificationBlock = z.output<typeof schema>;

const labelScore = z.strictObject({ label: z.string(), score: z.number() });
const window = z.strictObject({
  ...windowTimes,
  labels: z.array(labelScore).describe("Best first."),
});
const prediction = z
  .union([z.array(labelScore), z.array(window)])
  .describe(
    "Audio classification: labels with scores, best first; with `timestamps` the labels of each window.",
  );

/** Labels of sounds with scores: the shape of Hugging Face's audio classification. */
export const audioClassificationBlock = {
  type: "audio-classification",
  schema,
  parameters: z.strictObject({
    top_k: z
      .int()
      .min(1)
      .optional()
      .describe("how many labels are returned, of each window with `timestamps`"),
    function_to_apply: activation
      .optional()
      .describe("what makes the model's output scores, instead of the manifest's `activation`"),
    ...soundParameters,
  }),
  prediction,
  named: { SoundScore: labelScore, SoundWindow: window },
  references: ({ scores }) => ({ outputs: [scores] }),
  *problems(block, manifest) {
    yield* missingLabels("audio-classification", manifest);
    yield* frontEndProblems("audio-classification", manifest);
    const spec = findSpec(manifest.outputs, block.scores);
    if (!spec) return;
    const shapes = [["batch", "classes"], ["classes"]];
    yield* tensorProblems(["postprocess", "scores"], spec, { datatypes: ["FP32"], shapes });
    if (manifest.labels?.length)
      yield* labelProblems(manifest, fixedSize(spec.shape.at(-1)), spec.name);
  },
} satisfies PostprocessDefinition<typeof schema>;

export type AudioClassificationParameters = z.output<typeof audioClassificationBlock.parameters>;
