import { readFileSync } from "node:fs";
import { projectPath } from "../../scripts/project.ts";
import type { Grammar } from "../../src/domain/grammar.ts";
import {
  type CompiledGrammar,
  createConstraints,
} from "../../src/tasks/generation/constraint/constraints.ts";
import { createTokenBytes } from "../../src/tasks/text/token-bytes.ts";
import { finish } from "../../src/tasks/text/word-model.ts";

/** Tokens of pocket-gpt's vocabulary, held to grammars. */

const tokenizer: unknown = JSON.parse(
  readFileSync(projectPath("models", "pocket-gpt", "1", "tokenizer.json"), "utf8"),
);
export const END_TOKENS = [0, 4];
export const tokens = createTokenBytes(tokenizer);
const constraints = createConstraints(() => tokenizer, END_TOKENS);

export function compile(grammar: Grammar): CompiledGrammar {
  return finish(constraints.compile(grammar, Number.POSITIVE_INFINITY));
}

export interface ConstrainedText {
  readonly text: string;
  readonly tokens: number;
  readonly isShortened: boolean;
}

/** The text of a model whose most probable token is any other each time. @param random from 0 to 1 */
export function randomText(
  grammar: CompiledGrammar,
  maxTokens: number,
  random: () => number,
): ConstrainedText {
  grammar.check(maxTokens);
  const constraint = grammar.constrain(maxTokens);
  const bytes: number[] = [];
  const logits = new Float32Array(tokens.vocabularySize);
  let count = 0;
  while (count < maxTokens) {
    finish(constraint.prepare());
    for (let token = 0; token < logits.length; token++) logits[token] = random() * 10;
    constraint.mask(logits, undefined, logits);
    const best = logits.reduce((a, logit, token) => (logit > (logits[a] as number) ? token : a), 0);
    count += 1;
    if (!END_TOKENS.includes(best)) bytes.push(...(tokens.bytesOf(best) ?? []));
    if (constraint.accept(best)) break;
  }
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
    Uint8Array.from(bytes),
  );
  return { text, tokens: count, isShortened: constraint.isShortened };
}

/** Numbers from 0 to 1 that a seed determines: mulberry32. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
