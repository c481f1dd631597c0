import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { UserError } from "../../../packages/cli/src/local/user-error.ts";
import { type ExportFolderOptions, readExportFolder } from "../../../scripts/export-folder.ts";
import { projectPath } from "../../../scripts/project.ts";
import { EXPORT_BUDGET } from "../../support/export-folders.ts";
import { textToTextManifest } from "../../support/text-to-text-fixtures.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/** Folders of encoder-decoders in the layout of Optimum, with the models of `test/fixtures/generation`. */

const ID = { name: "exported", version: "3" };
const CONFIG = {
  architectures: ["M2M100ForConditionalGeneration"],
  model_type: "m2m_100",
  is_encoder_decoder: true,
  max_position_embeddings: 48,
  decoder_start_token_id: 2,
  eos_token_id: 2,
};
const GENERATION = { eos_token_id: 2, max_length: 25, num_beams: 4, early_stopping: true };
let root: string;

beforeAll(() => {
  stubWorkersGlobals();
  root = mkdtempSync(join(tmpdir(), "onnxflare-export-"));
});
afterAll(() => {
  vi.unstubAllGlobals();
  rmSync(root, { recursive: true, force: true });
});

interface Folder {
  readonly config?: object;
  readonly generation?: object | undefined;
  readonly models?: Readonly<Record<string, string>>;
}

function createFolder({ config = CONFIG, generation = GENERATION, models }: Folder = {}): string {
  const folder = mkdtempSync(join(root, "written-"));
  const fixtures = projectPath("test", "fixtures", "generation");
  mkdirSync(join(folder, "onnx"));
  const files = models ?? {
    "encoder_model.onnx": "merged-encoder.onnx",
    "decoder_model_merged.onnx": "merged-decoder.onnx",
  };
  for (const [name, fixture] of Object.entries(files))
    copyFileSync(join(fixtures, fixture), join(folder, "onnx", name));
  copyFileSync(join(fixtures, "source-tokenizer.json"), join(folder, "tokenizer.json"));
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  writeFileSync(join(folder, "generation_config.json"), JSON.stringify(generation));
  return folder;
}

async function read(folder: string, options: Partial<ExportFolderOptions> = {}) {
  const notes: string[] = [];
  const files = await readExportFolder(
    folder,
    ID,
    { format: "onnx", budget: EXPORT_BUDGET, ...options },
    (line) => {
      notes.push(line);
    },
  );
  return { ...files, notes };
}

describe.each(["onnx", "ort"] as const)("in the format %s", (format) => {
  test("an export of an encoder and a decoder gets its manifest of its own files", async () => {
    const { manifest, notes, read: contents } = await read(createFolder(), { format });
    const expected = textToTextManifest("merged");
    expect(manifest).toMatchObject({
      ...ID,
      task: "translation",
      format,
      file: `model.${format}`,
      models: { encoder: { format, file: `encoder.${format}` } },
      preprocess: { ...expected.preprocess, tokenizer: "tokenizer.json" },
      postprocess: {
        ...expected.postprocess,
        maxNewTokens: 24,
        numBeams: 4,
        earlyStopping: true,
      },
    });
    expect(manifest.models?.encoder?.outputs).toMatchObject([{ name: "last_hidden_state" }]);
    for (const { path, sizeBytes } of manifest.files)
      expect(contents(path)).toHaveLength(sizeBytes);
    expect(notes.join("\n")).toMatch(/3 languages; .* translates from en to de/);
  });
});

test("a model of another type writes texts about texts, without languages", async () => {
  const config = { ...CONFIG, architectures: ["BartForConditionalGeneration"], model_type: "bart" };
  const generation = {
    forced_bos_token_id: 4,
    forced_eos_token_id: 2,
    no_repeat_ngram_size: 3,
    length_penalty: 2,
    min_length: 6,
  };
  const { manifest } = await read(createFolder({ config, generation }), { context: 32 });
  expect(manifest).toMatchObject({
    task: "text2text-generation",
    preprocess: { maxTokens: 32 },
    postprocess: {
      decoder: { context: 32 },
      forcedBosTokenId: 4,
      forcedEosTokenId: 2,
      noRepeatNgramSize: 3,
      lengthPenalty: 2,
      minNewTokens: 5,
      maxNewTokens: 31,
      eosTokenIds: [2],
    },
  });
  expect(manifest.preprocess).not.toHaveProperty("languages");
});

test.each<[string, Folder, Partial<ExportFolderOptions>, RegExp]>([
  [
    "without its encoder",
    { models: { "decoder_model_merged.onnx": "merged-decoder.onnx" } },
    {},
    /has the decoder onnx\/decoder_model_merged\.onnx, and not its encoder onnx\/encoder_model\.onnx/,
  ],
  [
    "that is a decoder of another name",
    { models: { "model.onnx": "merged-decoder.onnx" } },
    {},
    /has the decoder onnx\/model\.onnx, and not its encoder/,
  ],
  [
    "without a start token",
    { config: { ...CONFIG, decoder_start_token_id: null } },
    {},
    /has a decoder_start_token_id/,
  ],
  [
    "without a context",
    { config: { ...CONFIG, max_position_embeddings: null } },
    {},
    /does not say how many tokens .*--context TOKENS/,
  ],
  ["that was made for less", {}, { context: 64 }, /to have 64 tokens, .* made for 48/],
  [
    "whose decoder reads something else",
    {
      models: {
        "encoder_model.onnx": "merged-encoder.onnx",
        "decoder_model_merged.onnx": "crossed-decoder.onnx",
      },
    },
    {},
    /The decoder has an input cross\.0\.key, of which nothing is known/,
  ],
  [
    "that does not fit in its memory",
    { config: { ...CONFIG, max_position_embeddings: 131_000 } },
    { budget: { bytes: 40_000_000, setting: "OWN_ISOLATE_BUDGET_BYTES" } },
    /do not fit in its memory: weights .* keys and values of 131000 tokens/,
  ],
])("an export %s is refused with what to do", async (_, folder, options, message) => {
  const error: unknown = await read(createFolder(folder), options).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(UserError);
  expect((error as UserError).message).toMatch(message);
});
