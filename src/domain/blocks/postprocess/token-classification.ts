import * as z from "zod";
import type { PostprocessDefinition } from "../block-definition.ts";
import { blockVersion as version } from "../block-fields.ts";
import {
  findSpec,
  fixedSize,
  labelProblems,
  missingLabels,
  NUMERIC,
  pairProblems,
  tensorProblems,
} from "../tensor-checks.ts";

/** The strategies of the token classification pipeline of Hugging Face. */
const AGGREGATIONS = ["none", "simple", "first", "average", "max"] as const;
export type Aggregation = (typeof AGGREGATIONS)[number];

const schema = z.strictObject({
  type: z.literal("token-classification"),
  version,
  scores: z
    .string()
    .describe("The model's output, of shape [batch, tokens, labels], before softmax."),
  aggregation: z
    .enum(AGGREGATIONS)
    .describe("How tokens become entities, unless the request says otherwise."),
  ignoreLabels: z.array(z.string()).default(["O"]).describe("Labels that are not returned."),
});

export type TokenClassificationBlock = z.output<typeof schema>;

const location = {
  word: z.string().describe("The tokens joined; the text itself is from `start` to `end`."),
  score: z.number(),
  start: z.int().describe("In code points."),
  end: z.int(),
};

const entity = z.strictObject({ entity_group: z.string(), ...location });
const labelledToken = z.strictObject({ entity: z.string(), index: z.int(), ...location });

/** Entities in a text. */
export const tokenClassificationBlock = {
  type: "token-classification",
  schema,
  parameters: z.strictObject({
    aggregation_strategy: z.enum(AGGREGATIONS).optional().describe("how tokens become entities"),
    ignore_labels: z
      .array(z.string())
      .max(1000)
      .optional()
      .describe("labels that are not returned"),
  }),
  prediction: z
    .array(z.union([entity, labelledToken]))
    .describe("Token classification: entities, or tokens without aggregation, in their order."),
  named: { Entity: entity, LabelledToken: labelledToken },
  texts: { spans: true },
  references: ({ scores }) => ({ outputs: [scores] }),
  *problems(block, manifest) {
    yield* pairProblems("token-classification", manifest, "tokenizer");
    yield* missingLabels("token-classification", manifest);
    const spec = findSpec(manifest.outputs, block.scores);
    if (!spec) return;
    const shapes = [["batch", "tokens", "labels"]];
    yield* tensorProblems(["postprocess", "scores"], spec, { datatypes: NUMERIC, shapes });
    if (manifest.labels?.length && spec.shape.length === 3)
      yield* labelProblems(manifest, fixedSize(spec.shape[2]), spec.name);
  },
} satisfies PostprocessDefinition<typeof schema>;
