import { readFileSync } from "node:fs";
import { projectPath } from "../../scripts/project.ts";
import { createTokenizer, type Tokenizer } from "../../src/tasks/text/tokenizer.ts";

const FOLDER = projectPath("test", "fixtures", "tokenizers");

export function readTokenizerFixture<T>(file: string): T {
  return JSON.parse(readFileSync(`${FOLDER}/${file}`, "utf8"));
}

/** One of the tokenizers that recipes/tokenizer_fixtures.py trained. */
export function readTokenizer(name: string): Tokenizer {
  return createTokenizer(readTokenizerJson(name));
}

export function readTokenizerJson(name: string): Uint8Array {
  return readFileSync(`${FOLDER}/${name}.json`);
}

/** The number of code points before a position in UTF-16 code units. */
export function codePoints(text: string, unit: number): number {
  return Array.from(text.slice(0, unit)).length;
}
