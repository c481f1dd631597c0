import * as z from "zod";
import type { PostprocessDefinition } from "../block-definition.ts";
import { NO_PARAMETERS, blockVersion as version } from "../block-fields.ts";
import { findSpec, NUMERIC, tensorProblems } from "../tensor-checks.ts";

const schema = z.strictObject({
  type: z.literal("regression"),
  version,
  output: z
    .string()
    .describe("The model's output, of shape [batch], [batch, values] or [batch, steps, targets]."),
});

export type RegressionBlock = z.output<typeof schema>;

const SHAPES = [["batch"], ["batch", "values"], ["batch", "steps", "targets"]];

const predictions = z
  .array(z.union([z.number(), z.array(z.number()), z.array(z.array(z.number()))]))
  .describe(
    "Regression: one prediction for each item, also for a single one: a number; of a model with several targets or steps a list of them; with both a list of targets for each step.",
  );

/** A number, or a list of targets or steps, for each item. */
export const regressionBlock = {
  type: "regression",
  schema,
  parameters: NO_PARAMETERS,
  prediction: predictions,
  listPrediction: predictions,
  references: ({ output }) => ({ outputs: [output] }),
  *problems(block, { outputs }) {
    const spec = findSpec(outputs, block.output);
    const expected = { datatypes: NUMERIC, shapes: SHAPES };
    if (spec) yield* tensorProblems(["postprocess", "output"], spec, expected);
  },
} satisfies PostprocessDefinition<typeof schema>;
