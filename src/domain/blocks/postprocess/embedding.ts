import * as z from "zod";
import type { PostprocessDefinition } from "../block-definition.ts";
import { blockVersion as version } from "../block-fields.ts";
import { rankingLength } from "../ranking-fields.ts";
import { findSpec, fixedSize, NUMERIC, pairProblems, tensorProblems } from "../tensor-checks.ts";

/** How texts are compared with a query: by their vectors, or by those of their tokens. */
const SIMILARITIES = ["cosine", "max_sim"] as const;

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
  dimensions: z
    .array(z.int().min(1))
    .min(1)
    .max(64)
    .optional()
    .describe(
      "Sizes that vectors may be shortened to, of a model that was trained for it (Matryoshka): their first numbers are kept.",
    ),
});

export type EmbeddingBlock = z.output<typeof schema>;

/** A vector for each text. */
export const embeddingBlock = {
  type: "embedding",
  schema,
  parameters: z.strictObject({
    normalize: z.boolean().optional().describe("whether vectors are scaled to length 1"),
    dimensions: z
      .int()
      .min(1)
      .optional()
      .describe("how many numbers of a vector are kept, one of the manifest's `dimensions`"),
    similarity: z
      .enum(SIMILARITIES)
      .optional()
      .describe(
        "of a ranking: whether texts are compared by their vectors (`cosine`, the default) or token by token (`max_sim`)",
      ),
    top_k: rankingLength,
  }),
  prediction: z
    .array(z.number())
    .describe(
      "Feature extraction: the vector of a text. Sentence similarity: a cosine for each sentence. A ranking is that of `text-ranking`.",
    ),
  texts: { inputs: "comparisons" },
  references: ({ output }) => ({ outputs: [output] }),
  *problems(block, manifest) {
    yield* pairProblems("embedding", manifest, "tokenizer");
    const spec = findSpec(manifest.outputs, block.output);
    const shapes =
      block.pooling === "none" ? [["batch", "dimensions"]] : [["batch", "tokens", "dimensions"]];
    if (spec)
      yield* tensorProblems(["postprocess", "output"], spec, { datatypes: NUMERIC, shapes });
    const size = fixedSize(spec?.shape.at(-1));
    for (const [index, wanted] of (block.dimensions ?? []).entries())
      if (size !== undefined && wanted > size)
        yield {
          path: ["postprocess", "dimensions", index],
          message: `vectors have ${size} dimensions, which is the most; it is ${wanted}`,
        };
  },
} satisfies PostprocessDefinition<typeof schema>;
