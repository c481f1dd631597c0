import { expect, test } from "vitest";
import { parseManifest } from "../../../../src/domain/manifest.ts";
import { textToTextFields, textToTextManifest } from "../../../support/text-to-text-fixtures.ts";

/** The manifest of a small encoder-decoder, with changes. */

type Fields = Record<string, unknown>;

const decoderOf = (form: "merged" | "crossed"): Fields =>
  (textToTextFields(form, "translation") as { postprocess: { decoder: Fields } }).postprocess
    .decoder;

const withDecoder = (form: "merged" | "crossed", changes: Fields) => () =>
  textToTextManifest(form, "translation", { decoder: { ...decoderOf(form), ...changes } });

const withSpec = (side: "inputs" | "outputs", name: string, fields: object) => () => {
  const manifest = textToTextFields("merged", "translation") as Record<string, Fields[]>;
  const specs = manifest[side]?.map((spec) => (spec.name === name ? { ...spec, ...fields } : spec));
  return parseManifest({ ...manifest, [side]: specs });
};

const withEncoder = (changes: Fields) => () => {
  const manifest = textToTextFields("merged", "translation") as { models: { encoder: Fields } };
  return parseManifest({
    ...manifest,
    models: { encoder: { ...manifest.models.encoder, ...changes } },
  });
};

test("omitted fields have their defaults", () => {
  const { postprocess } = textToTextManifest("merged", "summarization", {
    maxNewTokens: undefined,
    eosTokenIds: undefined,
  });
  expect(postprocess).toMatchObject({
    type: "summarization",
    maxNewTokens: 128,
    eosTokenIds: [],
    decoder: { cache: { datatype: "FP32" } },
  });
});

test.each<[string, () => unknown]>([
  ["ids of INT32", withSpec("inputs", "input_ids", { datatype: "INT32" })],
  ["a mask of INT32", withSpec("inputs", "encoder_attention_mask", { datatype: "INT32" })],
  [
    "an encoder of fixed length",
    withSpec("outputs", "present.0.encoder.key", { shape: [1, 4, 1500, 8] }),
  ],
])("a manifest with %s is valid", (_, parse) => {
  expect(parse()).toMatchObject({ name: "tiny-merged-translation" });
});

test.each<[string, () => unknown, RegExp]>([
  [
    "no encoder",
    () => parseManifest({ ...textToTextFields("merged", "translation"), models: undefined }),
    /"encoder" is not one of models\s+→ at preprocess/,
  ],
  [
    "an encoder of another name",
    () => {
      const { models, ...manifest } = textToTextFields("merged", "translation");
      return parseManifest({ ...manifest, models: { reader: (models as Fields).encoder } });
    },
    /"encoder" is not one of models.*no block uses it\s+→ at models\.reader/s,
  ],
  [
    "an input of the encoder that no block names",
    () => textToTextManifest("merged", "translation", {}, { inputs: { ids: "input_ids" } }),
    /must name each input of models\.encoder; it leaves out "attention_mask"/,
  ],
  [
    "an input that the encoder does not have",
    () => textToTextManifest("merged", "translation", {}, { inputs: { ids: "ids" } }),
    /"ids" is not one of models\.encoder\.inputs/,
  ],
  [
    "an output that the encoder does not have",
    withDecoder("merged", { encoderFeeds: { encoder_hidden_states: "states" } }),
    /"states" is not one of models\.encoder\.outputs\s+→ at postprocess/,
  ],
  [
    "an input of the decoder that is not named",
    withDecoder("merged", { encoderAttentionMask: undefined }),
    /must name each input of the model; it leaves out "encoder_attention_mask"/,
  ],
  [
    "an input of the decoder that is named twice",
    withDecoder("merged", { encoderAttentionMask: "input_ids" }),
    /names "input_ids" twice/,
  ],
  [
    "a cross cache without a branch",
    withDecoder("merged", { inputs: { ids: "input_ids" } }),
    /needs inputs\.useCacheBranch.*→ at postprocess\.decoder\.crossCache/s,
  ],
  ["no feed", withDecoder("crossed", { encoderFeeds: {} }), /at least one input/],
  [
    "hidden states of another size",
    withSpec("inputs", "encoder_hidden_states", { shape: ["batch", "positions", 64] }),
    /"encoder_hidden_states" must have the shape \[any, any, 32\]; it has \[batch, positions, 64\]/,
  ],
  [
    "hidden states of another datatype",
    withEncoder({
      outputs: [{ name: "last_hidden_state", datatype: "FP16", shape: ["b", "t", 32] }],
    }),
    /"encoder_hidden_states" must be FP16; it is FP32/,
  ],
  [
    "a cross cache of other heads",
    withSpec("inputs", "past_key_values.1.encoder.value", { shape: ["batch", 2, "past", 8] }),
    /at postprocess\.decoder\.crossCache\.past/,
  ],
  [
    "ids that are no integers",
    withEncoder({
      inputs: ["input_ids", "attention_mask"].map((name) => ({
        name,
        datatype: "FP32",
        shape: ["batch", "sequence"],
      })),
    }),
    /"input_ids" must be INT64 or INT32; it is FP32\s+→ at preprocess\.inputs\.ids/,
  ],
  [
    "a start token beyond the vocabulary",
    () => textToTextManifest("merged", "translation", { startTokenIds: [160] }),
    /160 is no token: the vocabulary has 160\s+→ at postprocess\.startTokenIds/,
  ],
  [
    "a forced token beyond the vocabulary",
    () => textToTextManifest("merged", "translation", { forcedBosTokenId: 500 }),
    /500 is no token.*forcedBosTokenId/s,
  ],
  [
    "a language without a token",
    () => {
      const languages = { tokens: { en: 4 }, source: "en", target: "de" };
      return textToTextManifest("merged", "translation", {}, { languages });
    },
    /must be one of tokens\s+→ at preprocess\.languages\.target/,
  ],
  [
    "another task",
    () => parseManifest({ ...textToTextFields("merged", "translation"), task: "summarization" }),
    /must be summarization for the task summarization/,
  ],
])("a manifest with %s is refused", (_, parse, message) => {
  expect(parse).toThrow(message);
});
