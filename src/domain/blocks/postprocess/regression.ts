import { z } from "zod";
import type { PostprocessDefinition } from "../block-definition.ts";
import { NO_PARAMETERS, blockVersion as version } from "../block-fields.ts";
import { findSpec, NUMERIC, tensorProblems } from "../tensor-checks.ts";

const schema = z.strictObject({
  type: z.literal("regression"),
  version,
  output: z.string().describe("The model's output, of shape [batch] or [batch, 1]."),
});

export type RegressionBlock = z.output<typeof schema>;

const numbers = z
  .array(z.number())
  .describe("Regression: one number for each item, also for a single one.");

/** One number for each item. */
export const regressionBlock = {
  type: "regression",
  schema,
  parameters: NO_PARAMETERS,
  prediction: numbers,
  listPrediction: numbers,
  references: ({ output }) => ({ outputs: [output] }),
  *problems(block, { outputs }) {
    const spec = findSpec(outputs, block.output);
    const expected = { datatypes: NUMERIC, shapes: [["batch"], ["batch", 1]] };
    if (spec) yield* tensorProblems(["postprocess", "output"], spec, expected);
  },
} satisfies PostprocessDefinition<typeof schema>;
