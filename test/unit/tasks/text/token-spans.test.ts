import fc from "fast-check";
import { expect, test } from "vitest";
import { locateTokens } from "../../../../src/tasks/text/token-spans.ts";
import { finish } from "../../../../src/tasks/text/word-model.ts";
import { anyText } from "../../../support/text-arbitraries.ts";
import { codePoints, readTokenizer, readTokenizerFixture } from "../../../support/tokenizers.ts";

interface ExpectedOffsets {
  offsets: number[][];
}

const texts = readTokenizerFixture<string[]>("texts.json");
const WHOLE = { maxLength: 100_000, truncation: "error" } as const;

/**
 * Texts whose offsets differ on purpose: of a letter and its combining mark that became one letter Python names the
 * letter alone, of spaces that became one the last, and of a mark that stood in the text nothing.
 */
const DIFFERENT_OFFSETS: Record<string, readonly number[]> = {
  "wordpiece-uncased": [],
  "wordpiece-cased": [],
  "bpe-byte-level": [],
  unigram: [5],
  "unigram-charsmap": [11, 39, 47],
};

test.each(Object.keys(DIFFERENT_OFFSETS))("%s locates tokens where Python's does", (name) => {
  const tokenizer = readTokenizer(name);
  const expected = readTokenizerFixture<ExpectedOffsets>(`${name}.expected.json`);
  const otherwise = texts.flatMap((text, index) => {
    const encoding = finish(tokenizer.encode(text, "text", WHOLE));
    const spans = finish(locateTokens(text, encoding, tokenizer));
    const offsets = spans.flatMap(({ start, end }) => [
      codePoints(text, start),
      codePoints(text, end),
    ]);
    return JSON.stringify(offsets) === JSON.stringify(expected.offsets[index]) ? [] : [index];
  });
  expect(otherwise).toEqual(DIFFERENT_OFFSETS[name]);
});

test.each(Object.keys(DIFFERENT_OFFSETS))("%s locates the tokens of any text within it", (name) => {
  const tokenizer = readTokenizer(name);
  fc.assert(
    fc.property(anyText(60), (text) => {
      const encoding = finish(tokenizer.encode(text, "text", WHOLE));
      const spans = finish(locateTokens(text, encoding, tokenizer));
      expect(spans).toHaveLength(encoding.ids.length);
      for (const { start, end } of spans) {
        expect(start).toBeGreaterThanOrEqual(0);
        expect(end).toBeGreaterThanOrEqual(start);
        expect(end).toBeLessThanOrEqual(text.length);
      }
    }),
    { numRuns: 500 },
  );
});
