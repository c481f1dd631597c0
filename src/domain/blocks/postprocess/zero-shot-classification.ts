import * as z from "zod";
import type { PostprocessDefinition } from "../block-definition.ts";
import { blockVersion as version } from "../block-fields.ts";
import { candidateLabelsField } from "../candidate-labels.ts";
import {
  findSpec,
  fixedSize,
  labelProblems,
  missingLabels,
  NUMERIC,
  tensorProblems,
} from "../tensor-checks.ts";

/** That of the pipeline of transformers. */
const TEMPLATE = "This example is {}.";

const schema = z.strictObject({
  type: z.literal("zero-shot-classification"),
  version,
  scores: z
    .string()
    .describe(
      "The model's output: with `tokenizer` [batch, classes], the logits of entailment and of what else there is; with `text-and-labels` [batch, labels], a logit for each label of the request.",
    ),
  entailment: z
    .string()
    .optional()
    .describe("With `tokenizer`: the label of the manifest that says that a hypothesis follows."),
  contradiction: z
    .string()
    .optional()
    .describe("With `tokenizer`: the label that says that it is wrong, which `multi_label` needs."),
  hypothesisTemplate: z
    .string()
    .regex(/\{\}/, "a template with {} where the label goes")
    .default(TEMPLATE)
    .describe("With `tokenizer`: what a label is written into."),
});

export type ZeroShotClassificationBlock = z.output<typeof schema>;

const labelScore = z.strictObject({ label: z.string(), score: z.number() });

/** The labels of a request with their scores, by a model that was trained for none of them. */
export const zeroShotClassificationBlock = {
  type: "zero-shot-classification",
  schema,
  parameters: z.strictObject({
    candidate_labels: candidateLabelsField,
    hypothesis_template: z
      .string()
      .min(2)
      .max(1000)
      .optional()
      .describe("what a label is written into, in place of {}"),
    multi_label: z
      .boolean()
      .optional()
      .describe("whether several labels may be true, each with a score of its own"),
  }),
  prediction: z
    .array(labelScore)
    .describe("Zero-shot classification: the request's labels with scores, best first."),
  named: { CandidateScore: labelScore },
  texts: { inputs: "hypotheses" },
  references: ({ scores }) => ({ outputs: [scores] }),
  *problems(block, manifest) {
    const { preprocess, labels = [] } = manifest;
    const spec = findSpec(manifest.outputs, block.scores);
    const reads = preprocess?.type ?? "tokenizer";
    if (reads !== "tokenizer" && reads !== "text-and-labels")
      yield {
        path: ["preprocess", "type"],
        message: "must be tokenizer or text-and-labels, which zero-shot-classification needs",
      };
    if (spec)
      yield* tensorProblems(["postprocess", "scores"], spec, {
        datatypes: NUMERIC,
        shapes: [["batch", reads === "tokenizer" ? "classes" : "labels"]],
      });
    if (reads === "text-and-labels") {
      for (const field of ["entailment", "contradiction"] as const)
        if (block[field] !== undefined)
          yield { path: ["postprocess", field], message: "only with tokenizer" };
      return;
    }
    yield* missingLabels("zero-shot-classification", manifest);
    if (spec?.shape.length === 2 && labels.length > 0)
      yield* labelProblems(manifest, fixedSize(spec.shape[1]), spec.name);
    if (block.entailment === undefined)
      yield { path: ["postprocess", "entailment"], message: "is missing: a label of the manifest" };
    for (const field of ["entailment", "contradiction"] as const) {
      const name = block[field];
      if (name !== undefined && labels.length > 0 && !labels.includes(name))
        yield {
          path: ["postprocess", field],
          message: `${JSON.stringify(name)} is not one of the labels ${labels.map((label) => JSON.stringify(label)).join(", ")}`,
        };
    }
  },
} satisfies PostprocessDefinition<typeof schema>;
