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

/** Generates texts in a separate Node process: the engine of the Worker, and nothing between its runs. */
export async function runEngineTexts(options: EngineTexts): Promise<TextsResult> {
  const program = projectPath("bench", "generation", "engine-loop-process.ts");
  return JSON.parse(await runNode([program], { input: JSON.stringify(options) })) as TextsResult;
}
