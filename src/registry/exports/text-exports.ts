import type { ExportConfig } from "../../domain/export-config.ts";
import type { TensorSpec } from "../../domain/tensor.ts";
import { invalidExport } from "./export-error.ts";
import type { DeriveTask, ExportedModel, ExportedTask } from "./export-types.ts";

/** Models that read a text at once, as transformers exports them. */

const TOKENIZER = "tokenizer.json";
const MAX_LENGTH = 32_768;
/** Of an export that says nothing of it. */
const DEFAULT_LENGTH = 512;
const INPUTS = {
  ids: "input_ids",
  attentionMask: "attention_mask",
  tokenTypeIds: "token_type_ids",
} as const;

export const deriveTextClassification: DeriveTask = (model, config) => {
  if (!isOf(config, /ForSequenceClassification$/)) return undefined;
  const labels = labelsOf(config);
  const { preprocess, notes } = readTexts(model, config);
  const block = textClassificationOf(config, outputOf(model, "logits").name, labels);
  return {
    ...block,
    task: "text-classification",
    preprocess,
    files: [{ path: TOKENIZER }],
    notes: [...notes, ...block.notes],
  };
};

export function textClassificationOf(
  { config }: ExportConfig,
  scores: string,
  labels: readonly string[],
  source = " of config.json",
): Postprocessed {
  const isMulti = config?.problem_type === "multi_label_classification";
  const activation = isMulti || labels.length === 1 ? "sigmoid" : "softmax";
  return {
    postprocess: { type: "classification", version: 1, scores, activation },
    labels: [...labels],
    notes: [`${labels.length} labels${source}, scores by ${activation}`],
  };
}

export const deriveTokenClassification: DeriveTask = (model, config) => {
  if (!isOf(config, /ForTokenClassification$/)) return undefined;
  const labels = labelsOf(config);
  const { preprocess, notes } = readTexts(model, config);
  const block = tokenClassificationOf(outputOf(model, "logits").name, labels);
  return {
    ...block,
    task: "token-classification",
    preprocess,
    files: [{ path: TOKENIZER }],
    notes: [...notes, ...block.notes],
  };
};

export function tokenClassificationOf(
  scores: string,
  labels: readonly string[],
  source = " of config.json",
): Postprocessed {
  return {
    postprocess: {
      type: "token-classification",
      version: 1,
      scores,
      aggregation: "simple",
      ignoreLabels: ["O"],
    },
    labels: [...labels],
    notes: [`${labels.length} labels${source}, entities by the strategy simple`],
  };
}

export const deriveEmbedding: DeriveTask = (model, config) => {
  const block = embeddingOf(model, config);
  if (!block) return undefined;
  const { preprocess, notes } = readTexts(model, config);
  return {
    ...block,
    task: "feature-extraction",
    preprocess,
    files: [{ path: TOKENIZER }],
    notes: [...notes, ...block.notes],
  };
};

export function embeddingOf(
  model: Pick<ExportedModel, "outputs">,
  config: ExportConfig,
): Postprocessed | undefined {
  const pooled = model.outputs.find(({ name }) => name === "sentence_embedding");
  const tokens = model.outputs.find(({ name }) => name === "last_hidden_state");
  const output = pooled ?? tokens;
  if (!output) return undefined;
  const pooling = pooled ? "none" : poolingOf(config);
  const normalize =
    !pooled && (config.modules?.some(({ type }) => type.endsWith("Normalize")) ?? false);
  return {
    postprocess: { type: "embedding", version: 1, output: output.name, pooling, normalize },
    notes: [
      config.pooling || pooled
        ? `pooling ${pooling}`
        : `pooling ${pooling}, guessed: there is no 1_Pooling/config.json`,
      `vectors are ${normalize ? "" : "not "}scaled to length 1`,
    ],
  };
}

type Postprocessed = Pick<ExportedTask, "postprocess" | "labels" | "notes">;

function isOf({ config }: ExportConfig, architecture: RegExp): boolean {
  return config?.architectures?.some((name) => architecture.test(name)) ?? false;
}

/** In the order of their ids. */
function labelsOf({ config }: ExportConfig): string[] {
  const labels = Object.entries(config?.id2label ?? {}).sort(([a], [b]) => Number(a) - Number(b));
  if (labels.length > 0) return labels.map(([, label]) => label);
  throw invalidExport("config.json has no id2label, which names the classes: add it.");
}

function outputOf({ outputs }: ExportedModel, name: string): TensorSpec {
  const found = outputs.find((spec) => spec.name === name);
  if (found) return found;
  throw invalidExport(
    `The model has no output ${name}: its outputs are ${outputs.map((spec) => spec.name).join(", ")}.`,
  );
}

export function readTexts(
  { inputs }: Pick<ExportedModel, "inputs">,
  { config, tokenizerConfig }: ExportConfig,
) {
  const names = new Set(inputs.map(({ name }) => name));
  const foreign = inputs.find(
    ({ name, optional }) => !optional && !(Object.values(INPUTS) as string[]).includes(name),
  );
  if (foreign || !names.has(INPUTS.ids))
    throw invalidExport(
      foreign
        ? `The model has an input ${foreign.name}, of which nothing is known: a model of texts has ${Object.values(INPUTS).join(", ")}. Write its manifest by hand (docs/tasks.md).`
        : "The model has no input input_ids.",
    );
  // Of tokenizers without a limit it is an enormous number.
  const limits = [tokenizerConfig?.model_max_length, positionsOf(config)].filter(
    (limit) => limit !== undefined && limit > 0 && limit <= MAX_LENGTH,
  );
  const maxLength = limits.length > 0 ? Math.min(...limits.map(Number)) : DEFAULT_LENGTH;
  return {
    preprocess: {
      type: "tokenizer",
      version: 1,
      tokenizer: TOKENIZER,
      inputs: {
        ids: INPUTS.ids,
        ...(names.has(INPUTS.attentionMask) && { attentionMask: INPUTS.attentionMask }),
        ...(names.has(INPUTS.tokenTypeIds) && { tokenTypeIds: INPUTS.tokenTypeIds }),
      },
      maxLength,
      truncation: "end",
      padding: "longest",
    } as const,
    notes: [`reads ${maxLength} tokens of a text${limits.length > 0 ? "" : ", guessed"}`],
  };
}

/** Positions of RoBERTa begin after that of padding. */
function positionsOf(config: ExportConfig["config"]): number | undefined {
  const positions = config?.max_position_embeddings;
  const isOffset = /roberta|camembert/.test(config?.model_type ?? "");
  return positions !== undefined && isOffset ? positions - 2 : positions;
}

function poolingOf({ pooling }: ExportConfig): "mean" | "cls" {
  if (!pooling || pooling.pooling_mode_mean_tokens) return "mean";
  if (pooling.pooling_mode_cls_token) return "cls";
  throw invalidExport(
    "1_Pooling/config.json asks for a pooling other than the mean and the first token, which are the ones that are supported.",
  );
}
