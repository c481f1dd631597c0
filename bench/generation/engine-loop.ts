import { projectPath } from "../../scripts/project.ts";
import { runNode } from "../child-process.ts";
import type { TextsResult } from "./texts.ts";

export interface EngineTexts {
  /** In ORT format, with its cache in place. */
  readonly modelFile: string;
  readonly context: number;
  readonly cache: { readonly layers: number; readonly heads: number; readonly headSize: number };
  readonly prompts: readonly (readonly number[])[];
  /** Of each text. */
  readonly tokens: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/** Of V8: each access of WebAssembly compares its address with the size of the memory, as in workerd. */
export const CHECKED_BOUNDS = "--wasm-enforce-bounds-checks";

/** Generates texts in a separate Node process: the engine of the Worker, and nothing between its runs. */
export async function runEngineTexts(
  options: EngineTexts,
  nodeOptions: readonly string[] = [],
): Promise<TextsResult> {
  const program = projectPath("bench", "generation", "engine-loop-process.ts");
  const output = await runNode([...nodeOptions, program], { input: JSON.stringify(options) });
  return JSON.parse(output) as TextsResult;
}
