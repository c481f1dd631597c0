import * as z from "zod";
import type { PreprocessDefinition } from "../block-definition.ts";
import { NO_PARAMETERS, blockVersion as version } from "../block-fields.ts";
import { findSpec } from "../tensor-checks.ts";

const schema = z.strictObject({
  type: z.literal("array"),
  version,
  input: z.string().describe("The model's input; its first dimension is the batch."),
});

/** Nested JSON arrays as the tensor that they are. */
export const arrayBlock = {
  type: "array",
  schema,
  mediaTypes: [],
  inputs: "nested numbers of the input's shape without its first dimension, or a list of them",
  parameters: NO_PARAMETERS,
  references: ({ input }) => ({ inputs: [input] }),
  *problems(block, { inputs }) {
    // The number of dimensions distinguishes an item from a list of items.
    if (findSpec(inputs, block.input)?.shape.length === 0)
      yield {
        path: ["preprocess", "input"],
        message: "must have a shape that begins with a batch",
      };
  },
} satisfies PreprocessDefinition<typeof schema>;
