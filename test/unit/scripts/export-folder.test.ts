import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { UserError } from "../../../packages/cli/src/local/user-error.ts";
import type { VersionFiles } from "../../../packages/cli/src/local/version-files.ts";
import { type ExportFolderOptions, readExportFolder } from "../../../scripts/export-folder.ts";
import { projectPath } from "../../../scripts/project.ts";
import { EXPORT_BUDGET } from "../../support/export-folders.ts";
import type { CacheForm } from "../../support/generation-fixtures.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/** Folders in the layout of transformers.js, with the models of `test/fixtures/generation`. */

const ID = { name: "exported", version: "3" };
const CONFIG = {
  architectures: ["TinyForCausalLM"],
  max_position_embeddings: 128,
  eos_token_id: 0,
};
let root: string;

beforeAll(() => {
  stubWorkersGlobals();
  root = mkdtempSync(join(tmpdir(), "onnxflare-export-"));
});
afterAll(() => {
  vi.unstubAllGlobals();
  rmSync(root, { recursive: true, force: true });
});

function createFolder(form: CacheForm, config: object = CONFIG, file = "model.onnx"): string {
  const folder = mkdtempSync(join(root, `${form}-`));
  const fixtures = projectPath("test", "fixtures", "generation");
  mkdirSync(join(folder, "onnx"));
  copyFileSync(join(fixtures, `${form}.onnx`), join(folder, "onnx", file));
  copyFileSync(join(fixtures, "tokenizer.json"), join(folder, "tokenizer.json"));
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  return folder;
}

async function read(folder: string, options: Partial<ExportFolderOptions> = {}) {
  const notes: string[] = [];
  const files: VersionFiles = await readExportFolder(
    folder,
    ID,
    { format: "ort", budget: EXPORT_BUDGET, ...options },
    (line) => {
      notes.push(line);
    },
  );
  return { ...files, notes };
}

async function refusal(
  folder: string,
  options: Partial<ExportFolderOptions> = {},
): Promise<string> {
  const error: unknown = await read(folder, options).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UserError);
  return (error as UserError).message;
}

test.each([
  { form: "in-place", cache: "in-place", inputs: {} },
  { form: "growing", cache: "growing", inputs: { positionIds: "position_ids" } },
  {
    form: "merged",
    cache: "growing",
    inputs: { useCacheBranch: "use_cache_branch", numLogitsToKeep: "num_logits_to_keep" },
  },
] as const)(
  "an export of the form $form gets its manifest of its own files",
  async ({ form, cache, inputs }) => {
    const { manifest, notes, read: contents } = await read(createFolder(form));
    expect(manifest).toMatchObject({
      ...ID,
      task: "text-generation",
      format: "ort",
      preprocess: { inputs: { ids: "input_ids", attentionMask: "attention_mask", ...inputs } },
      postprocess: { context: 128, cache: { form: cache, layers: 2, heads: 2, headSize: 8 } },
    });
    const isCompared = notes.includes(
      "tokens with the cache in place are those with a growing one",
    );
    expect(isCompared).toBe(cache === "in-place");
    for (const { path, sizeBytes } of manifest.files)
      expect(contents(path)).toHaveLength(sizeBytes);
  },
);

test("the ONNX file is kept where that is asked for", async () => {
  const { manifest } = await read(createFolder("growing"), { format: "onnx", context: 32 });
  expect(manifest).toMatchObject({
    format: "onnx",
    file: "model.onnx",
    postprocess: { context: 32, maxNewTokens: 32 },
  });
});

test("a context whose keys and values do not fit is refused with the numbers", async () => {
  const folder = createFolder("growing", { ...CONFIG, max_position_embeddings: 131_072 });
  const budget = { bytes: 48 * 2 ** 20, setting: "A_SETTING" };
  const message = await refusal(folder, { budget });
  // Two layers of two heads of eight numbers of four bytes, keys and values, twice while a run writes the next ones.
  expect(message).toMatch(
    /weights 0\.1 MiB, keys and values of 131072 tokens 64 MiB \(512 bytes a token\), engine 10 MiB; the budget is 48 MiB \(A_SETTING\)/,
  );
  const [, most] = /at most (\d+) tokens fit/.exec(message) ?? [];
  expect(Number(most)).toBeGreaterThan(70_000);
  expect(Number(most)).toBeLessThan(131_072);
});

test("a folder without a tokenizer is refused with what to do", async () => {
  const folder = createFolder("growing");
  rmSync(join(folder, "tokenizer.json"));
  expect(await refusal(folder)).toMatch(/no tokenizer\.json.*save_pretrained/);
});

test("a folder that cannot be read is named", async () => {
  expect(await refusal(join(root, "missing"))).toMatch(/the folder .*missing can't be read/);
});

test("a file that is no model is refused", async () => {
  const folder = createFolder("growing");
  writeFileSync(join(folder, "onnx", "model.onnx"), "no model at all");
  expect(await refusal(folder)).toMatch(/not a valid ONNX model/);
});
