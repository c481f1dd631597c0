import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { projectPath } from "../../scripts/project.ts";
import { type Manifest, parseManifest } from "../../src/domain/manifest.ts";

/** The language model of `test/fixtures/generation` in the forms of its cache: `reference.py` there. */
export const CACHE_FORMS = ["in-place", "rows", "growing", "merged"] as const;
export type CacheForm = (typeof CACHE_FORMS)[number];

/** What ONNX Runtime and tokenizers in Python compute, greedily. */
interface Expected {
  readonly context: number;
  readonly cache: { readonly layers: number; readonly heads: number; readonly headSize: number };
  readonly cases: readonly GenerationCase[];
}

export interface GenerationCase {
  readonly prompt: string;
  readonly ids: readonly number[];
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
  readonly text: string;
}

const read = (file: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(readFileSync(projectPath("test", "fixtures", "generation", file)));

const expected: Expected = JSON.parse(new TextDecoder().decode(read("expected.json")));

export const GENERATION_CONTEXT = expected.context;
export const GENERATION_CASES = expected.cases;
export const [FIRST_CASE] = expected.cases as [GenerationCase, ...GenerationCase[]];
export const TOKENIZER_FILE = "tokenizer.json";
export const VOCABULARY = 263;

export function readGenerationFile(path: string): Uint8Array<ArrayBuffer> {
  return read(path);
}

/** The bytes of keys and values of a token: two layers of two heads of eight numbers. */
export const TOKEN_BYTES = 2 * 2 * 2 * 8 * 4;

type Fields = Readonly<Record<string, unknown>>;

/**
 * @param changes fields of the postprocess block
 * @param promptChanges fields of the preprocess block
 * @param manifestChanges fields of the manifest
 * @throws Error for fields that contradict the model
 */
export function generationManifest(
  form: CacheForm,
  changes: Fields = {},
  promptChanges: Fields = {},
  manifestChanges: Fields = {},
): Manifest {
  const { layers, heads, headSize } = expected.cache;
  const cacheOf = (kind: string) =>
    Array.from({ length: layers }, (_, layer) =>
      ["key", "value"].map((part) => ({
        name: `${kind}.${layer}.${part}`,
        datatype: "FP32",
        shape: ["batch", heads, kind, headSize],
      })),
    ).flat();
  const integers = (name: string, length: string) => ({
    name,
    datatype: "INT64",
    shape: ["batch", length],
  });
  const inputs = { ids: "input_ids", attentionMask: "attention_mask" };
  const more = {
    "in-place": { names: {}, specs: [] },
    rows: { names: {}, specs: [] },
    growing: {
      names: { positionIds: "position_ids" },
      specs: [integers("position_ids", "sequence")],
    },
    merged: {
      names: { useCacheBranch: "use_cache_branch", numLogitsToKeep: "num_logits_to_keep" },
      specs: [
        { name: "use_cache_branch", datatype: "BOOL", shape: [1] },
        { name: "num_logits_to_keep", datatype: "INT64", shape: [] },
      ],
    },
  }[form];
  const file = `${form}.onnx`;
  const isInPlace = form === "in-place" || form === "rows";
  return parseManifest({
    schemaVersion: 1,
    name: `tiny-${form}`,
    version: "1",
    task: "text-generation",
    format: "onnx",
    file,
    files: [file, TOKENIZER_FILE].map((path) => {
      const bytes = read(path);
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      return { path, sha256, sizeBytes: bytes.byteLength };
    }),
    inputs: [
      integers("input_ids", "sequence"),
      integers("attention_mask", "total"),
      ...more.specs,
      ...cacheOf("past_key_values"),
    ],
    outputs: [
      {
        name: "logits",
        datatype: "FP32",
        shape: ["batch", isInPlace ? 1 : "sequence", VOCABULARY],
      },
      ...cacheOf("present"),
    ],
    preprocess: {
      type: "prompt",
      version: 1,
      tokenizer: TOKENIZER_FILE,
      inputs: { ...inputs, ...more.names },
      ...promptChanges,
    },
    postprocess: {
      type: "text-generation",
      version: 1,
      logits: "logits",
      context: expected.context,
      cache: {
        form: isInPlace ? "in-place" : "growing",
        past: "past_key_values.{layer}.{kind}",
        present: "present.{layer}.{kind}",
        ...expected.cache,
        independentTokens: form === "rows",
      },
      maxNewTokens: 24,
      ...changes,
    },
    createdAt: "2026-11-30T00:00:00Z",
    ...manifestChanges,
  });
}
