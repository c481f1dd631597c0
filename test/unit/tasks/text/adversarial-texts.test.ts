import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { projectPath } from "../../../../scripts/project.ts";
import { ApiError } from "../../../../src/domain/errors.ts";
import { MAX_CHARACTERS } from "../../../../src/tasks/text/text-item.ts";
import { createTokenizer } from "../../../../src/tasks/text/tokenizer.ts";
import type { Steps } from "../../../../src/tasks/text/word-model.ts";
import { readTokenizerJson } from "../../../support/tokenizers.ts";

/** Of CPU time: a piece of work takes 50 ms at most (30 measured), and in the first run before it is compiled longer. */
const MAX_STEP_MS = 150;
const PARTS = [
  "\u0301\u0327\u0316",
  "\u0f73",
  "zqxjkvbwpy".repeat(9),
  `${"zqxjkvbwpy".repeat(9)} `,
  "\ufdfa",
  "한국어",
  "👩\u200d",
  " [MASK] ",
  " a",
];
const names = [
  "wordpiece-uncased",
  "bpe-byte-level",
  "bpe-byte-fallback",
  "unigram",
  "unigram-charsmap",
];
const files = [
  ...["sentence-embeddings", "spam-detection"].map((model) => ({
    name: model,
    json: readFileSync(projectPath("models", model, "1", "tokenizer.json")),
  })),
  ...names.map((name) => ({ name, json: readTokenizerJson(name) })),
];

test.each(files)(
  "$name works on the longest texts in pieces, or refuses them",
  ({ json }) => {
    const tokenizer = createTokenizer(json);
    for (const part of PARTS) {
      const text = part.repeat(MAX_CHARACTERS / part.length);
      for (const truncation of ["start", "error"] as const) {
        const steps = tokenizer.encode(text, "text", { maxLength: 256, truncation });
        expect(longestStep(steps), part).toBeLessThan(MAX_STEP_MS);
      }
    }
  },
  30_000,
);

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function longestStep(steps: Steps<unknown>): number {
  let longest = 0;
  for (let done = false; !done; ) {
    const start = cpuMs();
    try {
      done = steps.next().done === true;
    } catch (error) {
      expect(error).toBeInstanceOf(ApiError);
      done = true;
    }
    longest = Math.max(longest, cpuMs() - start);
  }
  return longest;
}
