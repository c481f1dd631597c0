import { describe, expect, test } from "vitest";
import type { ExportConfig } from "../../../../src/domain/export-config.ts";
import { parseExport } from "../../../../src/domain/parse-export.ts";
import type { TensorSpec } from "../../../../src/domain/tensor.ts";
import { deriveExport } from "../../../../src/registry/exports/derive-export.ts";
import type { ExportedModel, ExportedTask } from "../../../../src/registry/exports/export-types.ts";
import { catchApiError } from "../../../support/errors.ts";

const spec = (
  name: string,
  shape: TensorSpec["shape"],
  datatype: TensorSpec["datatype"] = "INT64",
): TensorSpec => ({ name, datatype, shape });

const cacheOf = (kind: string, layers = 2, changes: Partial<TensorSpec> = {}): TensorSpec[] =>
  Array.from({ length: layers }, (_, layer) =>
    ["key", "value"].map((part) => ({
      ...spec(`${kind}.${layer}.${part}`, ["batch", 2, "tokens", 8], "FP32"),
      ...changes,
    })),
  ).flat();

function decoder(changes: Partial<ExportedModel> = {}): ExportedModel {
  return {
    inputs: [
      spec("input_ids", ["batch", "tokens"]),
      spec("attention_mask", ["batch", "total"]),
      ...cacheOf("past_key_values"),
    ],
    outputs: [spec("logits", ["batch", "tokens", 100], "FP32"), ...cacheOf("present")],
    attentionCaches: [],
    ...changes,
  };
}

/** What the files of a folder are parsed to. */
function configOf(files: Readonly<Record<string, unknown>>): Promise<ExportConfig> {
  const all: Readonly<Record<string, unknown>> = {
    "tokenizer.json": {
      added_tokens: [
        { id: 1, content: "<s>" },
        { id: 2, content: "</s>" },
      ],
    },
    "config.json": { architectures: ["LlamaForCausalLM"], max_position_embeddings: 64 },
    ...files,
  };
  return parseExport(async (path) => {
    const value = all[path];
    if (value === undefined) return undefined;
    return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
  });
}

async function derive(
  files: Readonly<Record<string, unknown>> = {},
  model = decoder(),
  context?: number,
): Promise<ExportedTask> {
  return deriveExport(model, await configOf(files), { context });
}

async function refusal(...args: Parameters<typeof derive>): Promise<string> {
  const [files = {}, model = decoder(), context] = args;
  const config = await configOf(files);
  return catchApiError("invalid_model", () => deriveExport(model, config, { context })).message;
}

describe("a decoder", () => {
  test("has the cache of its graph, its ends, and no more", async () => {
    const task = await derive({
      "generation_config.json": { eos_token_id: [2, 7], max_new_tokens: 20 },
    });
    expect(task).toMatchObject({
      task: "text-generation",
      files: [{ path: "tokenizer.json" }],
      preprocess: {
        type: "prompt",
        inputs: { ids: "input_ids", attentionMask: "attention_mask" },
      },
    });
    expect(task.preprocess).not.toHaveProperty("chatTemplate");
    expect(task.postprocess).toEqual({
      type: "text-generation",
      version: 1,
      logits: "logits",
      context: 64,
      cache: {
        form: "growing",
        past: "past_key_values.{layer}.{kind}",
        present: "present.{layer}.{kind}",
        layers: 2,
        heads: 2,
        headSize: 8,
        datatype: "FP32",
        independentTokens: false,
      },
      maxNewTokens: 20,
      eosTokenIds: [2, 7],
    });
  });

  test("has the optional inputs of exporters", async () => {
    const { inputs } = decoder();
    const more = [
      spec("position_ids", ["batch", "tokens"]),
      spec("use_cache_branch", [1], "BOOL"),
      spec("num_logits_to_keep", []),
    ];
    const { preprocess } = await derive({}, decoder({ inputs: [...inputs, ...more] }));
    expect(preprocess).toMatchObject({
      inputs: {
        positionIds: "position_ids",
        useCacheBranch: "use_cache_branch",
        numLogitsToKeep: "num_logits_to_keep",
      },
    });
  });

  test("has its cache in place where attentions alone read and write it", async () => {
    const caches = cacheOf("past_key_values").map(({ name }) => ({
      past: name,
      present: name.replace("past_key_values", "present"),
    }));
    const formOf = async (attentionCaches: typeof caches) =>
      (await derive({}, decoder({ attentionCaches }))).postprocess;
    expect(await formOf(caches)).toMatchObject({ cache: { form: "in-place" } });
    expect(await formOf(caches.slice(1))).toMatchObject({ cache: { form: "growing" } });
  });

  test.each<[string, object, number]>([
    ["n_positions", { n_positions: 32 }, 32],
    ["a sliding window", { max_position_embeddings: 64, sliding_window: 16 }, 16],
    [
      "a sliding window that is not used",
      { max_position_embeddings: 64, sliding_window: 16, use_sliding_window: false },
      64,
    ],
    ["a sliding window that is null", { max_position_embeddings: 64, sliding_window: null }, 64],
  ])("has the context of %s", async (_, config, context) => {
    const { postprocess } = await derive({ "config.json": config });
    expect(postprocess).toMatchObject({ context });
  });

  test("has the context that is asked for, which the model must have", async () => {
    expect((await derive({}, decoder(), 48)).postprocess).toMatchObject({
      context: 48,
      maxNewTokens: 48,
    });
    expect(await refusal({}, decoder(), 65)).toMatch(/65 tokens, and the model was made for 64/);
  });

  test("has the sampling of generation_config.json, by transformers' default of top_k", async () => {
    const { postprocess, notes } = await derive({
      "generation_config.json": {
        do_sample: true,
        temperature: 0.6,
        top_p: 0.9,
        repetition_penalty: 1.1,
        suppress_tokens: [5, 6],
        num_beams: 4,
        temperature_decay: null,
      },
    });
    expect(postprocess).toMatchObject({
      doSample: true,
      temperature: 0.6,
      topK: 50,
      topP: 0.9,
      repetitionPenalty: 1.1,
      badWordsIds: [[5], [6]],
    });
    expect(notes.join("\n")).toMatch(/num_beams of generation_config\.json is not supported/);
  });

  test("leaves values out that are outside the limits, and says so", async () => {
    const { postprocess, notes } = await derive({ "generation_config.json": { temperature: 0 } });
    expect(postprocess).not.toHaveProperty("temperature");
    expect(notes.join("\n")).toMatch(/temperature 0 of generation_config\.json is left out/);
  });

  test.each<[string, Record<string, unknown>, number[]]>([
    ["config.json", { "config.json": { n_positions: 9, eos_token_id: 3 } }, [3]],
    ["the tokenizer", { "tokenizer_config.json": { eos_token: { content: "</s>" } } }, [2]],
    ["nothing", {}, []],
    ["none beyond the vocabulary", { "generation_config.json": { eos_token_id: [2, 100] } }, [2]],
  ])("ends with the tokens of %s", async (_, files, eosTokenIds) => {
    expect((await derive(files)).postprocess).toMatchObject({ eosTokenIds });
  });

  test("has its chat template in tokenizer_config.json, also of a file of its own", async () => {
    const config = { eos_token: "</s>", add_bos_token: true, bos_token: "<s>" };
    const inConfig = await derive({
      "tokenizer_config.json": { ...config, chat_template: "{{ x }}" },
    });
    expect(inConfig.files).toContainEqual({ path: "tokenizer_config.json" });
    const own = await derive({
      "tokenizer_config.json": config,
      "chat_template.jinja": "{{ messages }}",
    });
    expect(own.preprocess).toMatchObject({ chatTemplate: "tokenizer_config.json", bosTokenId: 1 });
    const [, file] = own.files;
    expect(JSON.parse(file?.text ?? "")).toEqual({ ...config, chat_template: "{{ messages }}" });
  });

  test("gets no second token at its beginning from a tokenizer that adds it", async () => {
    const { preprocess } = await derive({
      "tokenizer.json": {
        added_tokens: [{ id: 1, content: "<s>" }],
        post_processor: { type: "TemplateProcessing", single: [{ SpecialToken: { id: "<s>" } }] },
      },
      "tokenizer_config.json": { add_bos_token: true, bos_token: "<s>" },
    });
    expect(preprocess).not.toHaveProperty("bosTokenId");
  });

  const { inputs, outputs } = decoder();
  test.each<[string, Partial<ExportedModel>, Record<string, unknown>, RegExp]>([
    [
      "no cache",
      { inputs: inputs.slice(0, 2) },
      {},
      /no inputs past_key_values\.0\.key.*text-generation-with-past/,
    ],
    [
      "no present",
      { outputs: outputs.slice(0, 1) },
      {},
      /returns none: it has no output present\.0\.key/,
    ],
    [
      "a layer that is missing",
      { inputs: inputs.filter(({ name }) => !name.includes(".0.value")) },
      {},
      /not past_key_values\.0\.value/,
    ],
    [
      "a cache of FP16",
      { inputs: [...inputs.slice(0, 2), ...cacheOf("past_key_values", 2, { datatype: "FP16" })] },
      {},
      /past_key_values\.0\.key is of datatype FP16: .*model_quantized\.onnx/,
    ],
    [
      "a cache of another shape",
      {
        inputs: [
          ...inputs.slice(0, 2),
          ...cacheOf("past_key_values", 2, { shape: ["heads", "tokens", 8] }),
        ],
      },
      {},
      /has the shape \[heads, tokens, 8\]/,
    ],
    [
      "logits of FP16",
      { outputs: [spec("logits", [1, 1, 9], "FP16"), ...outputs.slice(1)] },
      {},
      /logits is of datatype FP16/,
    ],
    [
      "an input that is not known",
      { inputs: [...inputs, spec("pixel_values", [1])] },
      {},
      /an input pixel_values, of which nothing is known/,
    ],
    ["no tokenizer", {}, { "tokenizer.json": undefined }, /no tokenizer\.json.*save_pretrained/],
    ["no context", {}, { "config.json": {} }, /does not say how many tokens.*--context/],
  ])("with %s is refused", async (_, changes, files, message) => {
    expect(await refusal(files, decoder(changes))).toMatch(message);
  });
});

describe("a model that reads texts", () => {
  const inputs = [
    spec("input_ids", ["batch", "tokens"]),
    spec("attention_mask", ["batch", "tokens"]),
    spec("token_type_ids", ["batch", "tokens"]),
  ];
  const model = (...outputs: TensorSpec[]): ExportedModel => ({
    inputs,
    outputs,
    attentionCaches: [],
  });
  const logits = model(spec("logits", ["batch", 2], "FP32"));

  test("classifies them by the labels of config.json", async () => {
    const config = {
      architectures: ["BertForSequenceClassification"],
      id2label: { 10: "c", 0: "a", 1: "b" },
      max_position_embeddings: 128,
    };
    const task = await derive({ "config.json": config }, logits);
    expect(task).toMatchObject({
      task: "text-classification",
      labels: ["a", "b", "c"],
      preprocess: {
        type: "tokenizer",
        maxLength: 128,
        inputs: {
          ids: "input_ids",
          attentionMask: "attention_mask",
          tokenTypeIds: "token_type_ids",
        },
      },
      postprocess: { type: "classification", scores: "logits", activation: "softmax" },
    });
    const multi = { ...config, problem_type: "multi_label_classification" };
    expect((await derive({ "config.json": multi }, logits)).postprocess).toMatchObject({
      activation: "sigmoid",
    });
  });

  test("of RoBERTa has two positions less than its configuration says", async () => {
    const config = {
      architectures: ["RobertaForTokenClassification"],
      model_type: "roberta",
      id2label: { 0: "O" },
      max_position_embeddings: 514,
    };
    expect(await derive({ "config.json": config }, logits)).toMatchObject({
      task: "token-classification",
      preprocess: { maxLength: 512 },
    });
  });

  test("embeds them, pooled as sentence-transformers says", async () => {
    const hidden = model(spec("last_hidden_state", ["batch", "tokens", 8], "FP32"));
    const files = {
      "config.json": { architectures: ["BertModel"], max_position_embeddings: 512 },
      "tokenizer_config.json": { model_max_length: 256 },
    };
    const guessed = await derive(files, hidden);
    expect(guessed.postprocess).toMatchObject({ pooling: "mean", normalize: false });
    expect(guessed.preprocess).toMatchObject({ maxLength: 256 });
    expect(guessed.notes.join("\n")).toMatch(/pooling mean, guessed/);
    const said = await derive(
      {
        ...files,
        "1_Pooling/config.json": { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false },
        "modules.json": [{ type: "sentence_transformers.models.Normalize" }],
      },
      hidden,
    );
    expect(said.postprocess).toMatchObject({ pooling: "cls", normalize: true });
  });

  test("of another kind is refused", async () => {
    const config = { architectures: ["WhisperForAudioClassification"] };
    expect(await refusal({ "config.json": config }, logits)).toMatch(
      /architecture WhisperForAudioClassification have no task here/,
    );
  });
});

test.each([
  ["config.json", "{", /^config\.json is not JSON/],
  ["modules.json", "{}", /^modules\.json is not valid/],
])("a file %s that is not valid is named", async (path, text, message) => {
  await expect(configOf({ [path]: text })).rejects.toThrow(message);
});
