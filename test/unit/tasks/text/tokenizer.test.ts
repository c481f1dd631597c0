import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { projectPath } from "../../../../scripts/project.ts";
import { createTokenizer } from "../../../../src/tasks/text/tokenizer.ts";
import { finish } from "../../../../src/tasks/text/word-model.ts";
import { catchApiError } from "../../../support/errors.ts";
import { EXPECTED_FOLDER } from "../../../support/tensors.ts";
import { readTokenizer, readTokenizerFixture } from "../../../support/tokenizers.ts";

interface ExpectedTokens {
  ids: number[][];
  truncatedTo: number;
  truncatedIds: number[][];
}

const texts = readTokenizerFixture<string[]>("texts.json");
const WHOLE = { maxLength: 100_000, truncation: "error" } as const;

describe.each([
  "wordpiece-uncased",
  "wordpiece-cased",
  "bpe-byte-level",
  "bpe-byte-fallback",
  "unigram",
  "unigram-charsmap",
])("%s", (name) => {
  const tokenizer = readTokenizer(name);
  const expected = readTokenizerFixture<ExpectedTokens>(`${name}.expected.json`);

  test.each(texts.map((text, index) => ({ text, index })))(
    "gives text $index the ids of Python's tokenizers",
    ({ text, index }) => {
      expect(finish(tokenizer.encode(text, "text", WHOLE)).ids).toEqual(expected.ids[index]);
      const options = { maxLength: expected.truncatedTo, truncation: "end" } as const;
      expect(finish(tokenizer.encode(text, "text", options)).ids).toEqual(
        expected.truncatedIds[index],
      );
    },
  );

  test("cuts the beginning of a text as Python's tokenizers do", () => {
    const options = { maxLength: expected.truncatedTo, truncation: "start" } as const;
    const { leading, trailing } = tokenizer;
    for (const [index, text] of texts.entries()) {
      const whole = expected.ids[index] ?? [];
      const own = whole.slice(leading.length, whole.length - trailing.length);
      // Python keeps the last tokens, and adds the special ones.
      const room = expected.truncatedTo - leading.length - trailing.length;
      const ids = [...leading, ...own.slice(Math.max(0, own.length - room)), ...trailing];
      expect(finish(tokenizer.encode(text, "text", options)).ids).toEqual(ids);
    }
  });

  test("reads half of a surrogate pair as the replacement character", () => {
    const { ids } = finish(tokenizer.encode("a \ud83d b", "text", WHOLE));
    expect(ids).toEqual(finish(tokenizer.encode("a \ufffd b", "text", WHOLE)).ids);
  });

  test("refuses a text of too many tokens where truncation is error", () => {
    const options = { maxLength: 4, truncation: "error" } as const;
    const error = catchApiError("invalid_input", () =>
      finish(tokenizer.encode("one two three four five six", "inputs", options)),
    );
    expect(error.message).toMatch(/^inputs has \d+ tokens: this model reads 4 at most\.$/);
    expect(error.details).toMatchObject({ maxTokens: 4 });
  });
});

describe("the tokenizer of sentence-embeddings", () => {
  const json = readFileSync(projectPath("models", "sentence-embeddings", "1", "tokenizer.json"));
  const tokenizer = createTokenizer(json);
  const { texts: sentences, tokenized } = JSON.parse(
    readFileSync(`${EXPECTED_FOLDER}/sentence-embeddings-texts.json`, "utf8"),
  );

  test.each<{ text: string; ids: number[] }>([...sentences, ...tokenized])(
    "gives $text the ids of Python's tokenizers",
    ({ text, ids }) => {
      expect(finish(tokenizer.encode(text, "text", WHOLE)).ids).toEqual(ids);
    },
  );

  test("pads with the padding id of its file", () => {
    expect(tokenizer.padId).toBe(0);
    expect(tokenizer.hasId(30521)).toBe(true);
    expect(tokenizer.hasId(30522)).toBe(false);
  });
});

test("a vocabulary above the limit is refused", () => {
  const config = readTokenizerFixture<{ model: object }>("unigram.json");
  const vocab = Array.from({ length: 40_001 }, (_, index) => [String(index), -index]);
  const json = JSON.stringify({ ...config, model: { ...config.model, vocab } });
  const create = () => createTokenizer(new TextEncoder().encode(json));
  expect(catchApiError("task_not_supported", create).message).toContain(
    "has 40001 pieces, more than the 40000 of Unigram",
  );
});

test.each([
  ["a normalizer", { normalizer: { type: "Nmt" } }],
  [
    "a pre-tokenizer",
    { pre_tokenizer: { type: "Split", pattern: { String: "a" }, behavior: "MergedWithNext" } },
  ],
  ["a model", { model: { type: "WordLevel", vocab: {} } }],
  ["dropout", { model: { type: "BPE", vocab: {}, merges: [], dropout: 0.1 } }],
])("%s that cannot be computed exactly is refused", (_, change) => {
  const config = readTokenizerFixture<object>("wordpiece-cased.json");
  const json = new TextEncoder().encode(JSON.stringify({ ...config, ...change }));
  const { message } = catchApiError("task_not_supported", () => createTokenizer(json));
  expect(message).toContain("The model's tokenizer has parts that are not supported");
});

test.each(["", "{", "\ufeff{}x"])("a file of %j is refused as it is not JSON", (text) => {
  const create = () => createTokenizer(new TextEncoder().encode(text));
  const { message } = catchApiError("task_not_supported", create);
  expect(message).toBe("The model's tokenizer is not a JSON file.");
});

test("joins the bytes of tokens to a text that keeps its byte order mark, as Python's decoder does", () => {
  expect(readTokenizer("bpe-byte-level").join(["ï", "»", "¿", "A"])).toBe("\ufeffA");
});
