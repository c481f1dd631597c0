import type { EncoderDecoderFields } from "../../domain/blocks/postprocess/encoder-decoder.ts";
import { MAX_BEAMS } from "../../domain/blocks/postprocess/text-to-text.ts";
import { fixedSize } from "../../domain/blocks/tensor-checks.ts";
import type { ExportConfig } from "../../domain/export-config.ts";
import type { TaskKind } from "../../domain/task-kinds.ts";
import type { TensorSpec } from "../../domain/tensor.ts";
import { deriveCache } from "./decoder-cache.ts";
import { invalidExport } from "./export-error.ts";
import { deriveLanguages } from "./export-languages.ts";
import type { DeriveTask, ExportedModel } from "./export-types.ts";
import { deriveSampling } from "./sampling-defaults.ts";

const TOKENIZER = "tokenizer.json";
/** Tokens of a result where generation_config.json says nothing. */
const NEW_TOKENS = 128;
const MAX_CONTEXT = 131_072;
/** Fields of generation_config.json that the blocks have beside those of sampling. */
const HONOURED = [
  "num_beams",
  "length_penalty",
  "early_stopping",
  "forced_bos_token_id",
  "forced_eos_token_id",
];

/** What a decoder reads beside its cache, by the names that Optimum and transformers.js have for them. */
const INPUTS: Readonly<Record<string, string>> = {
  input_ids: "ids",
  attention_mask: "attentionMask",
  decoder_attention_mask: "attentionMask",
  position_ids: "positionIds",
  use_cache_branch: "useCacheBranch",
  num_logits_to_keep: "numLogitsToKeep",
};
const HIDDEN = "encoder_hidden_states";
const ENCODER_MASK = "encoder_attention_mask";

/** By `model_type`: models whose one task is to translate. */
const TRANSLATORS = ["marian", "m2m_100", "mbart", "nllb-moe"];

/** An encoder and a decoder of texts: `*ForConditionalGeneration`, `MarianMTModel`, with a merged decoder. */
export const deriveTextToText: DeriveTask = (model, config, options) => {
  const { encoder } = model;
  if (!config.config?.is_encoder_decoder) return undefined;
  if (!encoder && model.inputs.some(({ name }) => name === HIDDEN))
    throw invalidExport(
      "The model is a decoder, and its encoder is missing: send encoder_model.onnx before it, as a file of the version, or publish the folder with both, npm run upload -- FOLDER --name NAME.",
    );
  if (!encoder) return undefined;
  const decoder = deriveDecoder(model, config, options.context);
  const { generationConfig = {}, config: modelConfig } = config;
  const startTokenIds =
    generationConfig.decoder_start_token_id ?? modelConfig.decoder_start_token_id;
  if (!startTokenIds || startTokenIds.length === 0)
    throw invalidExport(
      "Neither generation_config.json nor config.json has a decoder_start_token_id, with which each text of the decoder begins: save them beside the model, by model.save_pretrained(FOLDER).",
    );
  const eosTokenIds = generationConfig.eos_token_id ?? modelConfig.eos_token_id ?? [];
  const { sampling, notes: ofSampling } = deriveSampling(generationConfig, HONOURED);
  const { languages, notes: ofLanguages } = deriveLanguages(config);
  const { inputs, maxTokens } = deriveSource(encoder.inputs, decoder.context);
  const task = taskOf(config);
  const { max_new_tokens: most, max_length: length } = generationConfig;
  const asked = most || (length && length - startTokenIds.length) || NEW_TOKENS;
  const { min_new_tokens: least, min_length: minLength = 0 } = generationConfig;
  const minNewTokens = least || Math.max(0, minLength - startTokenIds.length);
  const { num_beams: numBeams, length_penalty: lengthPenalty } = generationConfig;
  const [forcedBosTokenId] = generationConfig.forced_bos_token_id ?? [];
  const [forcedEosTokenId] = generationConfig.forced_eos_token_id ?? [];
  return {
    task,
    preprocess: {
      type: "source-text",
      version: 1,
      tokenizer: TOKENIZER,
      inputs,
      maxTokens,
      ...(languages && { languages }),
    },
    postprocess: {
      type: task,
      version: 1,
      decoder,
      startTokenIds: [...startTokenIds],
      // Where there are languages, the first token is that of the target.
      ...(forcedBosTokenId !== undefined && !languages && { forcedBosTokenId }),
      ...(forcedEosTokenId !== undefined && { forcedEosTokenId }),
      maxNewTokens: Math.max(1, Math.min(asked, decoder.context - startTokenIds.length)),
      ...(minNewTokens > 0 && { minNewTokens }),
      ...sampling,
      eosTokenIds: [...eosTokenIds],
      ...(numBeams !== undefined && numBeams > 1 && { numBeams: Math.min(numBeams, MAX_BEAMS) }),
      ...(lengthPenalty !== undefined && { lengthPenalty }),
      ...(generationConfig.early_stopping !== undefined && {
        earlyStopping: generationConfig.early_stopping,
      }),
    },
    files: [{ path: TOKENIZER }],
    notes: [
      `${task}: texts of ${maxTokens} tokens at most, results of ${decoder.context}`,
      `keys and values of ${decoder.cache.layers} layers, ${decoder.cache.heads} heads of ${decoder.cache.headSize}, ${decoder.crossCache ? "those of the encoder computed by the first run" : "and what the encoder returns"}`,
      `results end with ${eosTokenIds.join(", ") || "no token"}`,
      ...ofLanguages,
      ...ofSampling,
    ],
  };
};

type TextToTextTask = Extract<TaskKind, "text2text-generation" | "summarization" | "translation">;

/** What the architecture is for, as far as that is certain. */
function taskOf({ config }: ExportConfig): TextToTextTask {
  if (config?.model_type !== undefined && TRANSLATORS.includes(config.model_type))
    return "translation";
  if (config?.architectures?.includes("PegasusForConditionalGeneration")) return "summarization";
  return "text2text-generation";
}

function deriveDecoder(
  model: ExportedModel,
  config: ExportConfig,
  asked: number | undefined,
): EncoderDecoderFields {
  const logits = model.outputs.find(({ name }) => name === "logits");
  if (logits?.datatype !== "FP32")
    throw invalidExport(
      `The decoder has no output logits of datatype FP32${logits ? `: it is ${logits.datatype}` : ""}. Publish the export in fp32, or one whose weights alone are quantized.`,
    );
  const cache = deriveCache(model);
  const crossCache = deriveCrossCache(model);
  const isKept = (name: string): boolean => name.startsWith("past_key_values.");
  const named: Record<string, string> = {};
  for (const { name, optional } of model.inputs) {
    if (isKept(name) || optional || name === HIDDEN || name === ENCODER_MASK) continue;
    const field = INPUTS[name];
    if (field === undefined)
      throw invalidExport(
        `The decoder has an input ${name}, of which nothing is known. Write its manifest by hand (docs/tasks.md).`,
        { input: name },
      );
    named[field] = name;
  }
  const { ids, ...others } = named;
  if (ids === undefined) throw invalidExport("The decoder has no input input_ids.");
  const has = (name: string): boolean => model.inputs.some((spec) => spec.name === name);
  const [hidden] = model.encoder?.outputs ?? [];
  if (!has(HIDDEN) || !hidden)
    throw invalidExport(
      `The decoder has no input ${HIDDEN}, by which it reads what the encoder returns: publish decoder_model_merged.onnx, not decoder_with_past_model.onnx.`,
    );
  return {
    inputs: { ids, ...others },
    logits: logits.name,
    context: deriveContext(config, asked),
    cache,
    encoderFeeds: { [HIDDEN]: hidden.name },
    ...(has(ENCODER_MASK) && { encoderAttentionMask: ENCODER_MASK }),
    ...(crossCache && { crossCache }),
  };
}

function deriveCrossCache({ inputs, outputs }: ExportedModel): EncoderDecoderFields["crossCache"] {
  const names = {
    past: "past_key_values.{layer}.encoder.{kind}",
    present: "present.{layer}.encoder.{kind}",
  };
  const first = (pattern: string): string =>
    pattern.replace("{layer}", "0").replace("{kind}", "key");
  if (!inputs.some(({ name }) => name === first(names.past))) return undefined;
  if (outputs.some(({ name }) => name === first(names.present))) return names;
  throw invalidExport(
    "The decoder reads keys and values of the encoder's outputs, and has no run that computes them: publish decoder_model_merged.onnx.",
  );
}

function deriveContext({ config = {} }: ExportConfig, asked: number | undefined): number {
  const made = [config.max_position_embeddings, config.n_positions, config.max_target_positions]
    .filter((tokens) => tokens !== undefined && tokens > 1)
    .at(0);
  if (asked !== undefined && made !== undefined && asked > made)
    throw invalidExport(
      `The context is to have ${asked} tokens, and the model was made for ${made}: ask for at most as many.`,
      { context: asked },
    );
  const tokens = asked ?? made;
  if (tokens !== undefined) return Math.min(tokens, MAX_CONTEXT);
  throw invalidExport(
    "config.json does not say how many tokens the model reads and writes: it has none of max_position_embeddings, n_positions, max_target_positions. Say it: --context TOKENS.",
  );
}

/** @throws ApiError `invalid_model` for an encoder that reads no tokens */
function deriveSource(inputs: readonly TensorSpec[], context: number) {
  const names = inputs.filter(({ optional }) => !optional).map(({ name }) => name);
  const foreign = names.find((name) => name !== "input_ids" && name !== "attention_mask");
  if (foreign !== undefined || !names.includes("input_ids"))
    throw invalidExport(
      `The encoder reads ${names.join(", ")}, where input_ids and attention_mask are expected: exports of speech and of pictures need a manifest (docs/tasks.md).`,
      { inputs: names },
    );
  const fixed = fixedSize(inputs.find(({ name }) => name === "input_ids")?.shape[1]);
  return {
    inputs: {
      ids: "input_ids",
      ...(names.includes("attention_mask") && { attentionMask: "attention_mask" }),
    },
    maxTokens: Math.min(fixed ?? context, 32_768),
  };
}
