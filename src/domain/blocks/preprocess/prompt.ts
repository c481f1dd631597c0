import * as z from "zod";
import type { Datatype } from "../../datatype.ts";
import type { Dimension } from "../../tensor.ts";
import type { ModelContext, PreprocessDefinition, Problem } from "../block-definition.ts";
import { filePath, TEXT_MEDIA_TYPES, blockVersion as version } from "../block-fields.ts";
import { findSpec, tensorProblems } from "../tensor-checks.ts";

/** What a decoder reads beside its cache. */
export const tokenInputs = z.strictObject({
  ids: z.string().describe("Token ids that continue those of the cache, of shape [batch, tokens]."),
  attentionMask: z
    .string()
    .optional()
    .describe("1 for each token until now, those of the cache included: [batch, all tokens]."),
  positionIds: z.string().optional().describe("Positions of the token ids, of their shape."),
  useCacheBranch: z
    .string()
    .optional()
    .describe("BOOL, of shape [1]: whether the cache has tokens, in merged decoders."),
  numLogitsToKeep: z
    .string()
    .optional()
    .describe("INT64, a scalar: for how many of the last tokens logits are computed."),
});

const schema = z.strictObject({
  type: z.literal("prompt"),
  version,
  tokenizer: filePath.describe("A file of this version: a tokenizer.json of Hugging Face."),
  chatTemplate: filePath
    .optional()
    .describe(
      "A file of this version: a tokenizer_config.json of Hugging Face with a `chat_template`, which writes the messages of a conversation as a prompt.",
    ),
  inputs: tokenInputs.describe(
    "The model's inputs beside its cache. INT64 or INT32, where nothing else is said.",
  ),
  addSpecialTokens: z
    .boolean()
    .default(true)
    .describe("Whether the tokenizer adds its special tokens to a prompt."),
  bosTokenId: z
    .int()
    .min(0)
    .optional()
    .describe("Put in front of a prompt whose first token is not a special one."),
});

export type PromptBlock = z.output<typeof schema>;
export type PromptInput = keyof PromptBlock["inputs"];

const INTEGERS = ["INT64", "INT32"] as const;
const EXPECTED: Readonly<
  Record<PromptInput, { datatypes: readonly Datatype[]; shapes: readonly (readonly Dimension[])[] }>
> = {
  ids: { datatypes: INTEGERS, shapes: [["batch", "tokens"]] },
  attentionMask: { datatypes: INTEGERS, shapes: [["batch", "all tokens"]] },
  positionIds: { datatypes: INTEGERS, shapes: [["batch", "tokens"]] },
  useCacheBranch: { datatypes: ["BOOL"], shapes: [[1]] },
  // The shape of a scalar is also that of a tensor of unknown rank.
  numLogitsToKeep: { datatypes: INTEGERS, shapes: [[]] },
};

/** Checks what a decoder reads beside its cache. */
export function* tokenInputProblems(
  path: Problem["path"],
  names: z.output<typeof tokenInputs>,
  { inputs }: ModelContext,
): Generator<Problem> {
  for (const [field, expected] of Object.entries(EXPECTED)) {
    const name = names[field as PromptInput];
    const spec = name === undefined ? undefined : findSpec(inputs, name);
    if (spec) yield* tensorProblems([...path, field], spec, expected);
  }
}

/** A text that a model continues, as token ids. */
export const promptBlock = {
  type: "prompt",
  schema,
  mediaTypes: TEXT_MEDIA_TYPES,
  inputs: "a text, or a list of texts, each of which is continued",
  parameters: z.strictObject({
    truncate: z
      .int()
      .min(1)
      .optional()
      .describe("how many tokens of a prompt are read, the last ones; by default all of them"),
  }),
  references: ({ tokenizer, chatTemplate, inputs }) => ({
    inputs: Object.values(inputs).filter((name) => name !== undefined),
    files: [tokenizer, ...(chatTemplate === undefined ? [] : [chatTemplate])],
  }),
  *problems({ inputs }, manifest) {
    yield* tokenInputProblems(["preprocess", "inputs"], inputs, manifest);
  },
} satisfies PreprocessDefinition<typeof schema>;
