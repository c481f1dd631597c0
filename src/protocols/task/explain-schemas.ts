import * as z from "zod";
import { tabularBlock } from "../../domain/blocks/preprocess/tabular.ts";
import { EXPLANATION_SPACES } from "../../domain/explanation/explanation.ts";
import { commonParametersSchema } from "../../domain/explanation/explanation-parameters.ts";
import { EXPLANATION_METHODS } from "../../inference/explaining/explain.ts";

/** Of all methods together; each takes the common ones and its own. */
export const explanationParametersSchema = z.strictObject({
  ...Object.assign({}, ...EXPLANATION_METHODS.map((method) => method.parameters.shape)),
  ...tabularBlock.parameters.shape,
  ...commonParametersSchema.shape,
});

export const explanationRequestSchema = z.strictObject({
  inputs: z
    .unknown()
    .describe("As a prediction takes them: one input, or a list of up to 256 inputs."),
  parameters: explanationParametersSchema
    .partial()
    .nullish()
    .describe(
      `Those of every method, and those of the one that is named. Methods: ${EXPLANATION_METHODS.map(({ name, summary }) => `\`${name}\`, ${summary}`).join("; ")}.`,
    ),
  stream: z
    .boolean()
    .nullish()
    .describe(
      "Whether progress is sent as server-sent events `progress`, with `runs` and `of`, before the explanation.",
    ),
});

const number = z.number();
/** One number for one output, K numbers for several. */
const byOutput = z.union([number, z.array(number)]);
/** M numbers, or M lists of K numbers. */
const byFeature = z.union([z.array(number), z.array(z.array(number))]);
const space = z.enum(EXPLANATION_SPACES);
const method = z.string().describe("That has made it.");
const runs = z.int().min(0).describe("Rows that the model was run for.");
const seed = z.int().nullable().describe("Of what was drawn; null where nothing was.");

export const explanationSchema = z
  .looseObject({
    method,
    exact: z.boolean().describe("Whether nothing was sampled."),
    space: space.describe("What the values add up to."),
    base_value: byOutput.describe(
      "The output where no feature is known; of several outputs a list.",
    ),
    output: byOutput.describe(
      "The output that is explained: the base value and all values together.",
    ),
    output_names: z.array(z.string()).describe("The label or name of each output."),
    feature_names: z.array(z.string()),
    data: z.array(z.unknown()).describe("The input, feature by feature."),
    values: byFeature.describe("What each feature has added; of several outputs a list for each."),
    std_error: byFeature.nullable().describe("In the shape of `values`; null where it is exact."),
    additivity_error: number.describe(
      "How far the base value and the values are from adding up to the output.",
    ),
    runs,
    seed,
  })
  .describe("Why the model answers what it answers, in the shapes of `shap.Explanation`.");

export const explanationPlanSchema = z
  .strictObject({
    method: z.string(),
    exact: z.boolean(),
    space,
    runs: z.int().min(0).describe("Rows that the model would be run for, at most."),
    estimated_ms: number
      .nullable()
      .describe("How long the runs would take; null where that is not known."),
  })
  .describe("What an explanation would cost (`dry_run`).");

/** Of methods whose answer has no value for each feature: counterfactuals, nearest examples, global ones. */
const otherExplanationSchema = z.looseObject({ method, runs, seed });

export const oneExplanationSchema = z.union([explanationSchema, otherExplanationSchema]);

export const explanationResponseSchema = z
  .union([explanationPlanSchema, oneExplanationSchema, z.array(oneExplanationSchema)])
  .describe("The explanation of one input, a list of them for a list, or what it would cost.");
