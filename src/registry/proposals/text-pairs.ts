import { fixedSize } from "../../domain/blocks/tensor-checks.ts";
import { cannotPropose, chooseOutput, isFloat, type ProposeTask } from "./proposal.ts";
import { labelsOf, requireTokenizer, textsOf } from "./text.ts";

/** Models that read two texts together. */

/** A model of entailment, whose labels say what it is. */
export const proposeZeroShotClassification: ProposeTask = async (task, input) => {
  requireTokenizer(task, input);
  const { notes, ...texts } = textsOf(input);
  const labels = input.labels ?? labelsOf(task, input);
  const entailment = labels.find((label) => /^entail/i.test(label));
  if (entailment === undefined)
    throw cannotPropose(
      input,
      task,
      `none of its labels ${labels.map((label) => JSON.stringify(label)).join(", ")} begins with "entail"`,
      'Send "labels" of a model of entailment, such as ["contradiction", "neutral", "entailment"], in the order of its output.',
    );
  const contradiction = labels.find((label) => /^(contra|not[ _-]?entail)/i.test(label));
  const { name } = chooseOutput(task, input, {
    fits: (spec) => isFloat(spec) && spec.shape.length === 2,
    names: /^logits$|score/i,
    needed: "logits of shape [batch, classes]",
  });
  return {
    ...texts,
    task,
    labels: [...labels],
    postprocess: {
      type: "zero-shot-classification",
      version: 1,
      scores: name,
      entailment,
      ...(contradiction !== undefined && { contradiction }),
      hypothesisTemplate: "This example is {}.",
    },
    notes: [
      ...notes,
      `the label "${entailment}" says that a hypothesis follows${contradiction === undefined ? "; none says that it is wrong, so multi_label is refused" : `, "${contradiction}" that it is wrong`}`,
      'labels are written into "This example is {}."',
    ],
  };
};

/** A cross-encoder, or a model of embeddings. */
export const proposeTextRanking: ProposeTask = async (task, input) => {
  requireTokenizer(task, input);
  const { notes, ...texts } = textsOf(input);
  const { name } = chooseOutput(task, input, {
    fits: ({ shape, ...spec }) =>
      isFloat({ shape, ...spec }) &&
      (shape.length === 1 || (shape.length === 2 && (fixedSize(shape[1]) ?? 1) === 1)),
    names: /^logits$|score/i,
    needed: "scores of shape [batch, 1], one for a query and a text",
  });
  return {
    ...texts,
    task,
    postprocess: { type: "text-ranking", version: 1, scores: name, activation: "sigmoid" },
    notes: [...notes, `scores are the output "${name}", made so by sigmoid, guessed`],
  };
};
