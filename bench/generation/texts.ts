import { readFileSync } from "node:fs";
import { projectPath } from "../../scripts/project.ts";

/** Tokens of each text. */
export const TOKENS = 48;
/** Texts at once. */
export const TEXTS = 8;

export interface TextPrompt {
  readonly text: string;
  readonly ids: readonly number[];
}

/** Beginnings of prose, after which pocket-gpt writes more than {@link TOKENS} tokens. */
export function readPrompts(): TextPrompt[] {
  const file = projectPath("test", "fixtures", "generation", "pocket-gpt.json");
  const { cases } = JSON.parse(readFileSync(file, "utf8")) as {
    cases: { prompt: string; ids: number[]; tokens: number[]; messages?: object }[];
  };
  return cases
    .filter(({ messages, tokens }) => !messages && tokens.length === TOKENS)
    .slice(0, TEXTS)
    .map(({ prompt, ids }) => ({ text: prompt, ids }));
}

/** What was generated in some time. */
export interface TextsResult {
  readonly tokens: number;
  readonly seconds: number;
  /** Of each text, until its first token. */
  readonly firstMs: readonly number[];
  /** The tokens of the first text after each prompt. */
  readonly ids: readonly (readonly number[])[];
}

export function tokensPerSecond({ tokens, seconds }: TextsResult): number {
  return tokens / seconds;
}
