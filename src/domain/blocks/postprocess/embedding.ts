import * as z from "zod";
import type { PostprocessDefinition } from "../block-definition.ts";
import { blockVersion as version } from "../block-fields.ts";
import { findSpec, NUMERIC, pairProblems, tensorProblems } from "../tensor-checks.ts";

const schema = z.strictObject({
  type: z.literal("embedding"),
  version,
  output: z
    .string()
    .describe("The model's output: [batch, tokens, dimensions], or pooled [batch, dimensions]."),
  pooling: z
    .enum(["mean", "cls", "none"])
    .describe(
      "The mean of the tokens' vectors without padding, the first one, or none for an output that is pooled.",
    ),
  normalize: z.boolean().describe("Whether vectors are scaled to length 1."),
});

export type EmbeddingBlock = z.output<typeof schema>;

/** A vector for each text. */
export const embeddingBlock = {
  type: "embedding",
  schema,
  parameters: z.strictObject({
    normalize: z.boolean().optional().describe("whether vectors are scaled to length 1"),
  }),
  prediction: z
    .array(z.number())
    .describe(
      "Feature extraction: the vector of a text. Sentence similarity: a cosine for each sentence.",
    ),
  texts: { comparisons: true },
  references: ({ output }) => ({ outputs: [output] }),
  *problems(block, manifest) {
    yield* pairProblems("embedding", manifest, "tokenizer");
    const spec = findSpec(manifest.outputs, block.output);
    const shapes =
      block.pooling === "none" ? [["batch", "dimensions"]] : [["batch", "tokens", "dimensions"]];
    if (spec)
      yield* tensorProblems(["postprocess", "output"], spec, { datatypes: NUMERIC, shapes });
  },
} satisfies PostprocessDefinition<typeof schema>;
