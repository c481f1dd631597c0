import { projectPath } from "../../scripts/project.ts";
import { runNode } from "../child-process.ts";
import type { TextsResult } from "./texts.ts";

/** Texts that are requested from the Worker's task API. */
export interface ClientTexts {
  readonly url: string;
  readonly prompts: readonly string[];
  /** Of each text. */
  readonly tokens: number;
  /** Texts that are requested at once, each after the one before. */
  readonly atOnce: number;
  readonly stream: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/** Requests texts from a separate Node process. */
export async function requestTexts(options: ClientTexts): Promise<TextsResult> {
  const program = projectPath("bench", "generation", "client-texts-process.ts");
  return JSON.parse(await runNode([program], { input: JSON.stringify(options) })) as TextsResult;
}
