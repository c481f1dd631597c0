import { fixedSize } from "../../domain/blocks/tensor-checks.ts";
import type { TaskKind } from "../../domain/task-kinds.ts";
import type { ExportedTask } from "../exports/export-types.ts";
import {
  embeddingOf,
  readTexts,
  textClassificationOf,
  tokenClassificationOf,
} from "../exports/text-exports.ts";
import {
  cannotPropose,
  chooseOutput,
  isFloat,
  onlyInput,
  type ProposalInput,
  type ProposeTask,
} from "./proposal.ts";
import { probesOf, proposeClassification } from "./scores.ts";

const VOCABULARY = "vocabulary.json";
const TOKENIZER =
  "Send tokenizer.json beside the model, as tokenizer.save_pretrained(FOLDER) writes it for a fast tokenizer.";

/** By tokens, by n-grams of characters, or by the texts themselves. */
export const proposeTextClassification: ProposeTask = async (task, input) => {
  if (input.config.tokenizer) {
    const { notes, ...texts } = textsOf(input);
    const scores = chooseScores(task, input);
    const derived = textClassificationOf(
      input.config,
      scores,
      input.labels ?? labelsOf(task, input),
      input.labels && "",
    );
    return { ...texts, ...derived, task, notes: [...notes, ...derived.notes] };
  }
  const spec = onlyInput(task, input);
  const rest = await proposeClassification(task, input, probesOf([spec]));
  if (spec.datatype === "BYTES")
    return {
      ...rest,
      task,
      preprocess: { type: "text", version: 1, input: spec.name },
      files: [],
      notes: ["texts go into the model as they are", ...rest.notes],
    };
  const size = await input.vocabularySize();
  const width = fixedSize(spec.shape[1]);
  if (size !== undefined && (width === undefined || width === size))
    return {
      ...rest,
      task,
      preprocess: {
        type: "character-ngrams",
        version: 2,
        input: spec.name,
        vocabulary: VOCABULARY,
      },
      files: [{ path: VOCABULARY }],
      notes: [`texts are counted in the ${size} n-grams of ${VOCABULARY}`, ...rest.notes],
    };
  throw cannotPropose(
    input,
    task,
    size === undefined
      ? "nothing says how texts become its input"
      : `${VOCABULARY} has ${size} n-grams, and its input "${spec.name}" takes ${width} numbers`,
    TOKENIZER,
  );
};

export const proposeTokenClassification: ProposeTask = async (task, input) => {
  requireTokenizer(task, input);
  const { notes, ...texts } = textsOf(input);
  const output = chooseOutput(task, input, {
    fits: (spec) => isFloat(spec) && (spec.shape.length === 3 || spec.shape.length === 0),
    names: /^logits$|score/i,
    needed: "scores of shape [batch, tokens, labels]",
  });
  const labels = input.labels ?? labelsOf(task, input);
  const derived = tokenClassificationOf(output.name, labels, input.labels && "");
  return { ...texts, ...derived, task, notes: [...notes, ...derived.notes] };
};

export const proposeEmbedding: ProposeTask = async (task, input) => {
  requireTokenizer(task, input);
  const { notes, ...texts } = textsOf(input);
  const derived = embeddingOf(input.model, input.config) ?? otherEmbedding(task, input);
  return { ...texts, ...derived, task, notes: [...notes, ...derived.notes] };
};

/** Of an output with another name than exporters have for it. */
function otherEmbedding(task: TaskKind, input: ProposalInput) {
  const output = chooseOutput(task, input, {
    fits: (spec) => isFloat(spec) && (spec.shape.length === 2 || spec.shape.length === 3),
    names: /embed|hidden|vector|pool/i,
    needed: "vectors of shape [batch, dimensions] or [batch, tokens, dimensions]",
  });
  const pooling = output.shape.length === 2 ? ("none" as const) : ("mean" as const);
  return {
    postprocess: {
      type: "embedding" as const,
      version: 1 as const,
      output: output.name,
      pooling,
      normalize: false,
    },
    notes: [
      `vectors are the output "${output.name}", pooling ${pooling}, guessed by its shape`,
      "vectors are not scaled to length 1",
    ],
  };
}

export function requireTokenizer(task: TaskKind, input: ProposalInput): void {
  if (!input.config.tokenizer)
    throw cannotPropose(input, task, "tokenizer.json has not been sent", TOKENIZER);
}

export function textsOf({
  model,
  config,
}: ProposalInput): Pick<ExportedTask, "preprocess" | "files" | "notes"> {
  const { preprocess, notes } = readTexts(model, config);
  return { preprocess, files: [{ path: preprocess.tokenizer }], notes };
}

function chooseScores(task: TaskKind, input: ProposalInput): string {
  return chooseOutput(task, input, {
    fits: (spec) => isFloat(spec) && spec.shape.length <= 2,
    names: /^logits$|score|prob/i,
    needed: "scores of shape [batch, classes]",
  }).name;
}

/** Of config.json. */
export function labelsOf(task: TaskKind, input: ProposalInput): readonly string[] {
  const labels = Object.entries(input.config.config?.id2label ?? {})
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, label]) => label);
  if (labels.length > 0) return labels;
  throw cannotPropose(
    input,
    task,
    "nothing says which labels there are",
    'Send "labels", a file labels.txt with a label in each line, or a config.json with id2label.',
  );
}
