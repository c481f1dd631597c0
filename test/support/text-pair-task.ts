import { readFileSync } from "node:fs";
import { projectPath } from "../../scripts/project.ts";
import { type Call, createCall } from "../../src/domain/call.ts";
import { type Manifest, parseManifest } from "../../src/domain/manifest.ts";
import { createTask } from "../../src/tasks/registry.ts";
import type { ModelSet } from "../../src/tasks/task.ts";
import { createPool, MIB, sourceOf } from "./runtime-pool.ts";
import { stubWorkersGlobals } from "./workers-globals.ts";

/** The model of recipes/text_pair_fixtures.py in a runtime of Node, with blocks of a test. */

const FOLDER = projectPath("test", "fixtures", "text-pairs");

export interface TextPairFixture {
  readonly maxLength: number;
  readonly labels: readonly string[];
  readonly pairs: readonly {
    readonly text: string;
    readonly text_pair: string;
    readonly scores: readonly { readonly label: string; readonly score: number }[];
  }[];
  readonly zeroShot: readonly {
    readonly inputs: string;
    readonly parameters: Readonly<Record<string, unknown>>;
    readonly output: { readonly labels: readonly string[]; readonly scores: readonly number[] };
  }[];
  readonly ranking: {
    readonly query: string;
    readonly texts: readonly string[];
    readonly logits: readonly number[];
  };
  /** Of the ranking's texts to its query. */
  readonly similarities: { readonly cosine: readonly number[]; readonly maxSim: readonly number[] };
  readonly encodings: readonly {
    readonly tokenizer: string;
    readonly cases: readonly {
      readonly maxLength: number;
      readonly strategy: string;
      readonly pair: readonly [string, string];
      readonly ids: readonly number[];
      readonly types: readonly number[];
    }[];
  }[];
}

export function readTextPairs(): TextPairFixture {
  return JSON.parse(readFileSync(`${FOLDER}/expected.json`, "utf8"));
}

export const TEXT_PAIR_MODEL = new Uint8Array(readFileSync(`${FOLDER}/model.onnx`));

const tokens = (name: string, ...more: readonly (string | number)[]) => ({
  name,
  datatype: "FP32",
  shape: ["batch", "tokens", ...more],
});

/** The manifest of the model. @param change of its fields */
export function textPairManifest(change: object): Manifest {
  const inputs = ["input_ids", "attention_mask", "token_type_ids"];
  return parseManifest({
    schemaVersion: 1,
    name: "text-pairs",
    version: "1",
    format: "onnx",
    file: "model.onnx",
    files: [
      { path: "model.onnx", sha256: "0".repeat(64), sizeBytes: TEXT_PAIR_MODEL.length },
      { path: "tokenizer.json", sha256: "0".repeat(64), sizeBytes: 1 },
    ],
    inputs: inputs.map((name) => ({ name, datatype: "INT64", shape: ["batch", "tokens"] })),
    outputs: [
      { name: "logits", datatype: "FP32", shape: ["batch", 3] },
      { name: "relevance", datatype: "FP32", shape: ["batch", 1] },
      tokens("token_logits", 1200),
      tokens("start_logits"),
      tokens("end_logits"),
      tokens("last_hidden_state", 32),
    ],
    preprocess: {
      type: "tokenizer",
      version: 1,
      tokenizer: "tokenizer.json",
      inputs: {
        ids: "input_ids",
        attentionMask: "attention_mask",
        tokenTypeIds: "token_type_ids",
      },
      maxLength: 48,
      truncation: "end",
      padding: "longest",
    },
    cache: { enabled: false, ttlSeconds: 60 },
    createdAt: "2026-12-01T00:00:00Z",
    ...change,
  });
}

export type RunTexts = (
  inputs: unknown,
  parameters?: Readonly<Record<string, unknown>>,
  call?: Call,
) => Promise<unknown>;

/** A task of the model. @param change of the manifest: task, blocks, labels */
export async function createTextPairTask(change: object): Promise<RunTexts> {
  stubWorkersGlobals();
  const pool = createPool(64 * MIB);
  const source = sourceOf(TEXT_PAIR_MODEL, { name: "text-pairs" });
  const models: ModelSet = {
    infer: (inputs, outputs) =>
      pool.use(
        source,
        () => undefined,
        (model) => model.run([...inputs], [...outputs]),
      ),
    lease: () => {
      throw new Error("a batch leases no model");
    },
  };
  const task = await createTask(
    textPairManifest(change),
    async () =>
      readFileSync(projectPath("test", "fixtures", "tokenizers", "wordpiece-uncased.json")),
    {
      decodeImage: () => {
        throw new Error("a text is no image");
      },
    },
  );
  return async (inputs, parameters = {}, call = createCall()) => {
    const result = await task.execute({ inputs, parameters }, models, call);
    if (result.kind !== "value") throw new Error("the result is a stream");
    return result.value;
  };
}
