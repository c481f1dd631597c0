import * as z from "zod";
import type { PreprocessDefinition } from "../block-definition.ts";
import { filePath, TEXT_MEDIA_TYPES, blockVersion as version } from "../block-fields.ts";
import { candidateLabelsField } from "../candidate-labels.ts";
import { findSpec, tensorProblems } from "../tensor-checks.ts";

const schema = z.strictObject({
  type: z.literal("text-and-labels"),
  version,
  tokenizer: filePath.describe("A file of this version: a tokenizer.json of Hugging Face."),
  inputs: z
    .strictObject({
      ids: z.string().describe("Token ids of texts, [batch, tokens]."),
      attentionMask: z.string().describe("1 for a token of a text, 0 for padding."),
      labelIds: z.string().describe("Token ids of the request's labels, [labels, label tokens]."),
      labelAttentionMask: z.string().describe("1 for a token of a label, 0 for padding."),
    })
    .describe("The model's inputs, INT64 or INT32."),
  maxLength: z
    .int()
    .min(1)
    .max(32_768)
    .describe("How many tokens of a text, and of a label, the model reads; the rest is cut off."),
});

export type TextAndLabelsBlock = z.output<typeof schema>;

/** Texts and the labels of a request, each as token ids, for a model that reads all labels at once. */
export const textAndLabelsBlock = {
  type: "text-and-labels",
  schema,
  mediaTypes: TEXT_MEDIA_TYPES,
  inputs: "a text, or a list of texts, with the parameter `candidate_labels`",
  parameters: z.strictObject({ candidate_labels: candidateLabelsField }),
  references: ({ tokenizer, inputs }) => ({ inputs: Object.values(inputs), files: [tokenizer] }),
  *problems({ inputs }, manifest) {
    for (const [field, name] of Object.entries(inputs)) {
      const spec = findSpec(manifest.inputs, name);
      if (!spec) continue;
      yield* tensorProblems(["preprocess", "inputs", field], spec, {
        datatypes: ["INT64", "INT32"],
        shapes: [field.startsWith("label") ? ["labels", "tokens"] : ["batch", "tokens"]],
      });
    }
  },
} satisfies PreprocessDefinition<typeof schema>;
