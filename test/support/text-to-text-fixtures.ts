import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { projectPath } from "../../scripts/project.ts";
import { type Manifest, parseManifest } from "../../src/domain/manifest.ts";

/** The encoder-decoder of `test/fixtures/generation/encoder_decoder.py` in two forms of export. */
export const ENCODER_DECODER_FORMS = ["merged", "crossed"] as const;
export type EncoderDecoderForm = (typeof ENCODER_DECODER_FORMS)[number];

/** What transformers' `generate` makes of a text. */
export interface WrittenRun {
  /** By the names of transformers. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Tokens after the first one, of as many texts as were returned. */
  readonly outputs: readonly (readonly number[])[];
  readonly texts: readonly string[];
}

export interface WrittenCase {
  readonly text: string;
  readonly source: string;
  readonly target: string;
  /** Of the text, in its language. */
  readonly ids: readonly number[];
  readonly runs: readonly WrittenRun[];
}

interface Expected {
  readonly context: number;
  readonly languages: Readonly<Record<string, number>>;
  readonly vocabulary: number;
  readonly end: number;
  readonly width: number;
  readonly cache: { readonly layers: number; readonly heads: number; readonly headSize: number };
  readonly cases: readonly WrittenCase[];
}

const TOKENIZER = "source-tokenizer.json";

export function readWrittenFile(path: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(readFileSync(projectPath("test", "fixtures", "generation", path)));
}

const expected: Expected = JSON.parse(
  new TextDecoder().decode(readWrittenFile("encoder-decoder.json")),
);

export const WRITTEN_CASES = expected.cases;
export const END_TOKEN = expected.end;
export const WRITTEN_CONTEXT = expected.context;

/** The bytes of keys and values of a token of the decoder, and of a position of the encoder. */
export const WRITTEN_TOKEN_BYTES = 2 * 2 * 4 * 8 * 4;

type Fields = Readonly<Record<string, unknown>>;

/**
 * @param task `translation` and the like, which is the type of the block as well
 * @param changes fields of the postprocess block
 * @param sourceChanges fields of the preprocess block
 * @throws Error for fields that contradict the model
 */
export function textToTextManifest(
  form: EncoderDecoderForm,
  task = "translation",
  changes: Fields = {},
  sourceChanges: Fields = {},
): Manifest {
  return parseManifest(textToTextFields(form, task, changes, sourceChanges));
}

/** {@link textToTextManifest} that is not checked. */
export function textToTextFields(
  form: EncoderDecoderForm,
  task: string,
  changes: Fields = {},
  sourceChanges: Fields = {},
): Record<string, unknown> {
  const { context, languages, vocabulary, end, cache } = expected;
  const paths = [`${form}-decoder.onnx`, `${form}-encoder.onnx`];
  const decoder = FORMS[form];
  return {
    schemaVersion: 1,
    name: `tiny-${form}-${task}`,
    version: "1",
    task,
    format: "onnx",
    file: paths[0],
    files: [...paths, TOKENIZER].map((path) => {
      const bytes = readWrittenFile(path);
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      return { path, sha256, sizeBytes: bytes.byteLength };
    }),
    inputs: decoder.inputs,
    outputs: [
      {
        name: "logits",
        datatype: "FP32",
        shape: ["batch", form === "crossed" ? 1 : "sequence", vocabulary],
      },
      ...decoder.outputs,
    ],
    models: {
      encoder: {
        format: "onnx",
        file: paths[1],
        inputs: ["input_ids", "attention_mask"].map((name) => integers(name, "encoder_sequence")),
        outputs: decoder.encoderOutputs,
      },
    },
    preprocess: {
      type: "source-text",
      version: 1,
      tokenizer: TOKENIZER,
      inputs: { ids: "input_ids", attentionMask: "attention_mask" },
      maxTokens: context,
      languages: { tokens: languages, source: "en", target: "de" },
      ...sourceChanges,
    },
    postprocess: {
      type: task,
      version: 1,
      decoder: { logits: "logits", context, ...decoder.fields(cache) },
      startTokenIds: [end],
      eosTokenIds: [end],
      maxNewTokens: 24,
      ...changes,
    },
    createdAt: "2026-11-30T00:00:00Z",
  };
}

const { heads, headSize, layers } = expected.cache;

function integers(name: string, length: string) {
  return { name, datatype: "INT64", shape: ["batch", length] };
}

function tensors(pattern: string, length: string) {
  return Array.from({ length: layers }, (_, layer) =>
    ["key", "value"].map((kind) => ({
      name: pattern.replace("{layer}", String(layer)).replace("{kind}", kind),
      datatype: "FP32",
      shape: ["batch", heads, length, headSize],
    })),
  ).flat();
}

const HIDDEN = { datatype: "FP32", shape: ["batch", "encoder_sequence", expected.width] };

const FORMS = {
  merged: {
    inputs: [
      integers("encoder_attention_mask", "encoder_sequence"),
      integers("input_ids", "sequence"),
      { name: "encoder_hidden_states", ...HIDDEN },
      { name: "use_cache_branch", datatype: "BOOL", shape: [1] },
      ...tensors("past_key_values.{layer}.decoder.{kind}", "past"),
      ...tensors("past_key_values.{layer}.encoder.{kind}", "encoder_past"),
    ],
    outputs: [
      ...tensors("present.{layer}.decoder.{kind}", "present"),
      ...tensors("present.{layer}.encoder.{kind}", "encoder_present"),
    ],
    encoderOutputs: [{ name: "last_hidden_state", ...HIDDEN }],
    fields: (cache: Fields) => ({
      inputs: { ids: "input_ids", useCacheBranch: "use_cache_branch" },
      cache: {
        form: "growing",
        past: "past_key_values.{layer}.decoder.{kind}",
        present: "present.{layer}.decoder.{kind}",
        ...cache,
      },
      encoderFeeds: { encoder_hidden_states: "last_hidden_state" },
      encoderAttentionMask: "encoder_attention_mask",
      crossCache: {
        past: "past_key_values.{layer}.encoder.{kind}",
        present: "present.{layer}.encoder.{kind}",
      },
    }),
  },
  crossed: {
    inputs: [
      integers("input_ids", "sequence"),
      integers("attention_mask", "total"),
      ...tensors("past_key_values.{layer}.{kind}", "past_key_values"),
      ...tensors("cross.{layer}.{kind}", "encoder_sequence"),
    ],
    outputs: tensors("present.{layer}.{kind}", "present"),
    encoderOutputs: tensors("cross.{layer}.{kind}", "encoder_sequence"),
    fields: (cache: Fields) => ({
      inputs: { ids: "input_ids", attentionMask: "attention_mask" },
      cache: {
        form: "in-place",
        past: "past_key_values.{layer}.{kind}",
        present: "present.{layer}.{kind}",
        ...cache,
      },
      encoderFeeds: Object.fromEntries(
        tensors("cross.{layer}.{kind}", "").map(({ name }) => [name, name]),
      ),
    }),
  },
};
