import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runProgram } from "../../packages/cli/src/local/run-program.ts";
import { projectPath } from "../../scripts/project.ts";
import { runNode } from "../child-process.ts";
import type { EngineTexts } from "./engine-loop.ts";
import type { TextsResult } from "./texts.ts";

const VERSION = "4.3.2";
const FOLDER = projectPath("node_modules", ".cache", `onnxflare-transformers-js-${VERSION}`);
const MODEL = "pocket-gpt";

/** Where transformers.js is installed, with the model. */
export interface TransformersJs {
  readonly modulePath: string;
  readonly modelsFolder: string;
}

/**
 * Installs transformers.js in a folder of its own, once: its dependencies have 475 MB, of which no script is run.
 * @returns `undefined` when it cannot be installed
 */
export async function installTransformersJs(
  modelFolder: string,
): Promise<TransformersJs | undefined> {
  const folder = join(FOLDER, "node_modules", "@huggingface", "transformers");
  if (!existsSync(folder)) {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(join(FOLDER, "package.json"), "{}\n");
    const spec = `@huggingface/transformers@${VERSION}`;
    const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--save-exact", spec];
    const { code } = await runProgram("npm", args, { cwd: FOLDER });
    if (code !== 0 || !existsSync(folder)) return undefined;
  }
  const modelsFolder = join(FOLDER, "models");
  writeModel(join(modelsFolder, MODEL), modelFolder);
  return { modulePath: join(folder, "dist", "transformers.node.mjs"), modelsFolder };
}

/** The model in the form of an export: its file is the same. */
function writeModel(folder: string, modelFolder: string): void {
  mkdirSync(join(folder, "onnx"), { recursive: true });
  copyFileSync(join(modelFolder, "model.ort"), join(folder, "onnx", "model.onnx"));
  for (const file of ["tokenizer.json", "tokenizer_config.json"])
    copyFileSync(join(modelFolder, file), join(folder, file));
  const config = {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    hidden_size: 512,
    num_hidden_layers: 8,
    num_attention_heads: 8,
    num_key_value_heads: 2,
    head_dim: 64,
    vocab_size: 8192,
    max_position_embeddings: 1024,
  };
  const generation = { bos_token_id: 0, eos_token_id: [4, 0], pad_token_id: 0 };
  for (const [file, content] of [
    ["config.json", { ...config, ...generation }],
    ["generation_config.json", generation],
  ] as const)
    writeFileSync(join(folder, file), JSON.stringify(content));
}

/** Generates texts by transformers.js in a separate Node process, with the package's engine on one thread. */
export async function runTransformersJs(
  installed: TransformersJs,
  { prompts, tokens, warmUpSeconds, seconds }: EngineTexts,
): Promise<TextsResult> {
  const program = projectPath("bench", "generation", "transformers-js-process.ts");
  const input = JSON.stringify({
    ...installed,
    model: MODEL,
    prompts,
    tokens,
    warmUpSeconds,
    seconds,
  });
  return JSON.parse(await runNode([program], { input })) as TextsResult;
}
