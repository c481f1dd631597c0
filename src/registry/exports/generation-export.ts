import type { CacheBlock } from "../../domain/blocks/postprocess/text-generation.ts";
import { fixedSize } from "../../domain/blocks/tensor-checks.ts";
import type { ExportConfig, ModelConfig } from "../../domain/export-config.ts";
import type { TensorSpec } from "../../domain/tensor.ts";
import { deriveCache, NO_CACHE_REMEDY } from "./decoder-cache.ts";
import { invalidExport } from "./export-error.ts";
import type { DeriveTask, ExportedModel, ExportFile } from "./export-types.ts";
import { deriveSampling } from "./sampling-defaults.ts";

const TOKENIZER = "tokenizer.json";
const TOKENIZER_CONFIG = "tokenizer_config.json";
/** Tokens of an answer where generation_config.json says nothing. */
const NEW_TOKENS = 128;

/** What a decoder reads beside its cache, by the names that exporters have for them. */
const INPUTS = {
  ids: ["input_ids"],
  attentionMask: ["attention_mask"],
  positionIds: ["position_ids"],
  useCacheBranch: ["use_cache_branch"],
  numLogitsToKeep: ["num_logits_to_keep", "logits_to_keep"],
} as const;
type InputField = keyof typeof INPUTS;

/** A decoder that generates text: `*ForCausalLM`, whole or with a merged branch for its cache. */
export const deriveGeneration: DeriveTask = (model, config, options) => {
  if (!isDecoder(model, config)) return undefined;
  const logits = findLogits(model.outputs);
  const cache = deriveCache(model);
  const inputs = nameInputs(model.inputs, cache);
  const { tokens, notes: ofContext } = deriveContext(config, options.context);
  const { sampling, notes: ofSampling } = deriveSampling(config.generationConfig ?? {});
  const { eosTokenIds, notes: ofEnds } = deriveEnds(config, fixedSize(logits.shape[2]));
  const { bosTokenId, notes: ofBeginning } = deriveBeginning(config);
  const chat = deriveChat(config);
  const asked = config.generationConfig?.max_new_tokens || NEW_TOKENS;
  const minNewTokens = config.generationConfig?.min_new_tokens;
  return {
    task: "text-generation",
    preprocess: {
      type: "prompt",
      version: 1,
      tokenizer: TOKENIZER,
      ...(chat && { chatTemplate: TOKENIZER_CONFIG }),
      inputs,
      addSpecialTokens: true,
      ...(bosTokenId !== undefined && { bosTokenId }),
    },
    postprocess: {
      type: "text-generation",
      version: 1,
      logits: logits.name,
      context: tokens,
      cache: { ...cache, independentTokens: false },
      maxNewTokens: Math.min(asked, tokens),
      ...sampling,
      ...(minNewTokens && { minNewTokens }),
      eosTokenIds,
    },
    files: [{ path: TOKENIZER }, ...(chat ? [chat] : [])],
    notes: [
      describeCache(cache),
      ...ofContext,
      ...ofEnds,
      ...ofBeginning,
      chat
        ? "answers conversations by its chat template"
        : "no chat template: it continues texts, and /v1/chat/completions refuses it",
      sampling.doSample
        ? `draws tokens by default (${describe(sampling)})`
        : "takes the most probable token by default",
      ...ofSampling,
    ],
  };
};

function isDecoder({ inputs, outputs }: ExportedModel, { config }: ExportConfig): boolean {
  if (config?.is_encoder_decoder) return false;
  const isCausal = config?.architectures?.some((name) => /ForCausalLM$|LMHeadModel$/.test(name));
  const hasCache = inputs.some(({ name }) => name.startsWith("past_key_values."));
  return outputs.some(({ name }) => name === "logits") && (hasCache || isCausal === true);
}

function findLogits(outputs: readonly TensorSpec[]): TensorSpec {
  const logits = outputs.find(({ name }) => name === "logits") as TensorSpec;
  if (logits.datatype === "FP32") return logits;
  throw invalidExport(
    `The output logits is of datatype ${logits.datatype}, where FP32 is expected. Publish the export in fp32, or one whose weights alone are quantized (model_quantized.onnx).`,
    { datatype: logits.datatype },
  );
}

/** @throws ApiError `invalid_model` for an input that nothing is known of */
function nameInputs(inputs: readonly TensorSpec[], cache: CacheBlock) {
  const [before = ""] = cache.past.split("{layer}");
  const named: Partial<Record<InputField, string>> = {};
  for (const { name, optional } of inputs) {
    if (name.startsWith(before) || optional) continue;
    const field = (Object.keys(INPUTS) as InputField[]).find((each) =>
      (INPUTS[each] as readonly string[]).includes(name),
    );
    if (!field)
      throw invalidExport(
        `The model has an input ${name}, of which nothing is known: a decoder of text has ${Object.values(INPUTS).flat().join(", ")}, and its keys and values. Write its manifest by hand (docs/tasks.md).`,
        { input: name },
      );
    named[field] = name;
  }
  const { ids, ...others } = named;
  if (ids === undefined)
    throw invalidExport(`The model has no input input_ids. ${NO_CACHE_REMEDY}`);
  return { ids, ...others };
}

const CONTEXT_FIELDS = [
  "max_position_embeddings",
  "n_positions",
  "max_sequence_length",
  "max_seq_len",
  "n_ctx",
  "seq_length",
] as const satisfies readonly (keyof ModelConfig)[];
const MAX_CONTEXT = 131_072;

function deriveContext(
  { config = {} }: ExportConfig,
  asked: number | undefined,
): { tokens: number; notes: string[] } {
  const field = CONTEXT_FIELDS.find((name) => (config[name] ?? 0) > 1);
  const made = field && config[field];
  if (asked !== undefined && made !== undefined && asked > made)
    throw invalidExport(
      `The context is to have ${asked} tokens, and the model was made for ${made} (${field} of config.json): ask for at most as many.`,
      { context: asked, [field as string]: made },
    );
  if (asked !== undefined) return { tokens: asked, notes: [`context ${asked}, as asked`] };
  if (made === undefined)
    throw invalidExport(
      `config.json does not say how many tokens the model reads: it has none of ${CONTEXT_FIELDS.join(", ")}. Say it: --context TOKENS.`,
    );
  const { sliding_window: window, use_sliding_window: isUsed } = config;
  if (isUsed !== false && window !== undefined && window > 1 && window < made)
    return {
      tokens: window,
      notes: [
        `context ${window}, its sliding_window: beyond it the model attends to a part of the text only`,
      ],
    };
  const tokens = Math.min(made, MAX_CONTEXT);
  return { tokens, notes: [`context ${tokens}, of ${field}`] };
}

/** The tokens that end a text. */
function deriveEnds(
  { config, generationConfig, tokenizerConfig, tokenizer }: ExportConfig,
  vocabulary: number | undefined,
): { eosTokenIds: number[]; notes: string[] } {
  const sources = [
    ["generation_config.json", generationConfig?.eos_token_id],
    ["config.json", config?.eos_token_id],
    ["tokenizer_config.json", idsOf(tokenizer, tokenizerConfig?.eos_token)],
  ] as const;
  const found = sources.find(([, ids]) => ids !== undefined && ids.length > 0);
  if (!found)
    return {
      eosTokenIds: [],
      notes: ["no token ends a text: none of the configuration files has an eos_token_id"],
    };
  const [file, ids = []] = found;
  const eosTokenIds = ids.filter((id) => vocabulary === undefined || id < vocabulary);
  return {
    eosTokenIds,
    notes: [`texts end with ${eosTokenIds.join(", ") || "no token"} (eos_token_id of ${file})`],
  };
}

function idsOf(tokenizer: ExportConfig["tokenizer"], content: string | undefined) {
  return tokenizer?.added_tokens.filter((token) => token.content === content).map(({ id }) => id);
}

/** Whether a prompt gets a token in front that the tokenizer does not add itself. */
function deriveBeginning({ tokenizerConfig, tokenizer }: ExportConfig): {
  bosTokenId?: number | undefined;
  notes: string[];
} {
  const { add_bos_token: isAdded, bos_token: content } = tokenizerConfig ?? {};
  if (!isAdded || content === undefined) return { notes: [] };
  if (JSON.stringify(tokenizer?.post_processor ?? null).includes(JSON.stringify(content)))
    return { notes: [] };
  const [bosTokenId] = idsOf(tokenizer, content) ?? [];
  if (bosTokenId === undefined) return { notes: [] };
  return { bosTokenId, notes: [`prompts begin with ${content} (add_bos_token)`] };
}

/** tokenizer_config.json with the chat template, which newer exports have in a file of its own. */
function deriveChat({ tokenizerConfig, chatTemplate }: ExportConfig): ExportFile | undefined {
  if (chatTemplate !== undefined) {
    const text = JSON.stringify({ ...tokenizerConfig, chat_template: chatTemplate }, null, 2);
    return { path: TOKENIZER_CONFIG, text: `${text}\n` };
  }
  return tokenizerConfig?.chat_template === undefined ? undefined : { path: TOKENIZER_CONFIG };
}

function describeCache({ form, layers, heads, headSize }: CacheBlock): string {
  const how =
    form === "in-place"
      ? "in place: GroupQueryAttention alone reads and writes them"
      : "growing: each run returns longer ones";
  return `keys and values of ${layers} layers, ${heads} heads of ${headSize}, ${how}`;
}

function describe(sampling: object): string {
  const shown = Object.entries(sampling).filter(
    ([name]) => name !== "doSample" && name !== "badWordsIds",
  );
  return shown.map(([name, value]) => `${name} ${value}`).join(", ") || "by their probabilities";
}
