import * as z from "zod";
import type { PostprocessDefinition } from "../block-definition.ts";
import { blockVersion as version } from "../block-fields.ts";
import { rankedText, rankingLength } from "../ranking-fields.ts";
import { findSpec, NUMERIC, pairProblems, tensorProblems } from "../tensor-checks.ts";

const schema = z.strictObject({
  type: z.literal("text-ranking"),
  version,
  scores: z
    .string()
    .describe("The model's output, [batch, 1] or [batch]: how well a text answers a query."),
  activation: z
    .enum(["none", "sigmoid"])
    .describe("What is applied to the output to make it scores."),
});

export type TextRankingBlock = z.output<typeof schema>;

/** Texts by how well they answer a query, by a model that reads both together (a cross-encoder). */
export const textRankingBlock = {
  type: "text-ranking",
  schema,
  parameters: z.strictObject({
    top_k: rankingLength,
    raw_scores: z
      .boolean()
      .optional()
      .describe("whether scores are the model's output, without the manifest's `activation`"),
  }),
  prediction: z
    .array(rankedText)
    .describe("Text ranking: places of the texts in the request with scores, best first."),
  named: { RankedText: rankedText },
  texts: { inputs: "rankings" },
  references: ({ scores }) => ({ outputs: [scores] }),
  *problems(block, manifest) {
    yield* pairProblems("text-ranking", manifest, "tokenizer");
    const spec = findSpec(manifest.outputs, block.scores);
    if (!spec) return;
    const shapes = [["batch", 1], ["batch"]];
    yield* tensorProblems(["postprocess", "scores"], spec, { datatypes: NUMERIC, shapes });
  },
} satisfies PostprocessDefinition<typeof schema>;
