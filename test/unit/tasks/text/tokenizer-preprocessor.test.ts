import { expect, test } from "vitest";
import { createCall } from "../../../../src/domain/call.ts";
import { Media } from "../../../../src/domain/media.ts";
import { type NumericTensor, toTypedArray } from "../../../../src/domain/tensor.ts";
import { TokenIds } from "../../../../src/domain/token-ids.ts";
import { Trace } from "../../../../src/domain/trace.ts";
import { MAX_TEXTS, MAX_TOTAL_CHARACTERS } from "../../../../src/tasks/text/text-item.ts";
import { createTokenizerPreprocessor } from "../../../../src/tasks/text/tokenizer-preprocessor.ts";
import { catchApiError, rejectedApiError } from "../../../support/errors.ts";
import { readTokenizerJson } from "../../../support/tokenizers.ts";

const block = {
  type: "tokenizer",
  version: 1,
  tokenizer: "tokenizer.json",
  inputs: { ids: "ids", attentionMask: "mask", tokenTypeIds: "types" },
  maxLength: 8,
  truncation: "end",
  padding: "longest",
} as const;

function create(
  change: object = {},
  datatype: "INT64" | "INT32" = "INT64",
  batch: string | number = "n",
) {
  return createTokenizerPreprocessor(
    { ...block, ...change },
    (name) => ({ name, datatype, shape: [batch, "tokens"] }),
    readTokenizerJson("wordpiece-uncased"),
    { inputs: "comparisons" },
  );
}

async function run(preprocessor: ReturnType<typeof create>, inputs: unknown, parameters = {}) {
  const { items, form } = preprocessor.split(inputs, parameters);
  const context = { parameters, trace: new Trace(), checkpoint: createCall().checkpoint };
  const plan = (await preprocessor.plan?.(items, context)) ?? { items, runs: [] };
  const runs = plan.runs.map((indices) => {
    const preprocessed = preprocessor.toTensors(
      indices.map((index) => plan.items[index] ?? { value: "", path: "" }),
      context,
    );
    if (preprocessed instanceof Promise) throw new Error("the preprocessor waits");
    return preprocessed.tensors.map(({ name, datatype, shape, data }) => ({
      name,
      datatype,
      shape,
      data: Array.from(toTypedArray({ name, datatype, shape, data } as NumericTensor), Number),
    }));
  });
  return { form, runs, order: plan.runs };
}

// As in wordpiece-uncased: [PAD] 0, [UNK] 1, [CLS] 2, [SEP] 3.
test("a text becomes ids, mask and types", async () => {
  const { form, runs } = await run(create(), "?");
  expect(form).toBe("one");
  const [tensors] = runs;
  expect(tensors?.map(({ name, shape }) => [name, shape])).toEqual([
    ["ids", [1, 3]],
    ["mask", [1, 3]],
    ["types", [1, 3]],
  ]);
  expect(tensors?.[1]?.data).toEqual([1, 1, 1]);
  expect(tensors?.[2]?.data).toEqual([0, 0, 0]);
});

test("texts of a run are padded to the longest of them", async () => {
  const { runs, order } = await run(create(), ["? ?", "", "?"]);
  expect(order).toEqual([[1, 2, 0]]);
  const [ids, mask] = runs[0] ?? [];
  expect(ids?.shape).toEqual([3, 4]);
  const question = ids?.data[5];
  expect(ids?.data).toEqual([2, 3, 0, 0, 2, question, 3, 0, 2, question, question, 3]);
  expect(mask?.data).toEqual([1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 1]);
});

test("texts are padded to the fixed length of a model", async () => {
  const { runs } = await run(create({ padding: "max-length" }, "INT32"), "?");
  expect(runs[0]?.[0]).toMatchObject({ datatype: "INT32", shape: [1, 8] });
});

test("long texts are cut, or refused with truncate false", async () => {
  const long = "? ".repeat(20);
  expect((await run(create(), long)).runs[0]?.[0]?.shape).toEqual([1, 8]);
  const refused = run(create(), [long], { truncate: false });
  const error = await rejectedApiError("invalid_input", refused);
  expect(error.message).toBe("inputs[0] has 22 tokens: this model reads 8 at most.");
  const strict = create({ truncation: "error" });
  expect((await rejectedApiError("invalid_input", run(strict, long))).message).toContain(
    "22 tokens",
  );
  expect((await run(strict, long, { truncate: true })).runs[0]?.[0]?.shape).toEqual([1, 8]);
});

test("a run has at most 32 texts, or the size of the model's first dimension", async () => {
  const texts = Array.from({ length: 70 }, () => "?");
  expect((await run(create(), texts)).order.map((indices) => indices.length)).toEqual([32, 32, 6]);
  const one = create({}, "INT64", 1);
  expect((await run(one, texts.slice(0, 3))).order).toEqual([[0], [1], [2]]);
});

test("a run has at most 256 tokens with their padding, or one longer text", async () => {
  const texts = [...Array.from({ length: 5 }, () => "? ".repeat(120)), "?", "? ".repeat(700)];
  const { order } = await run(create({ maxLength: 600 }), texts);
  expect(order).toEqual([[5, 0], [1, 2], [3, 4], [6]]);
});

test("sentences can be compared with a source sentence", () => {
  const inputs = { source_sentence: "a", sentences: ["b", "c"] };
  const { items, form } = create().split(inputs, {});
  expect(form).toBe("comparison");
  expect(items).toEqual([
    { value: "a", path: "inputs.source_sentence" },
    { value: "b", path: "inputs.sentences[0]" },
    { value: "c", path: "inputs.sentences[1]" },
  ]);
});

test("text/plain is a text in UTF-8", async () => {
  const bytes = new TextEncoder().encode("?");
  const media = new Media("text/plain; charset=utf-8", bytes);
  expect((await run(create(), media)).runs).toEqual((await run(create(), "?")).runs);
  const broken = new Media("text/plain", Uint8Array.from([0x61, 0xff, 0xfe]));
  expect((await rejectedApiError("invalid_input", run(create(), broken))).message).toBe(
    "inputs is not valid UTF-8: send a text in UTF-8.",
  );
});

test("token ids with the tokenizer's special tokens are passed through", async () => {
  const { runs } = await run(create(), [new TokenIds([2, 5, 3]), new TokenIds([2, 3])]);
  expect(runs[0]?.[0]).toMatchObject({ shape: [2, 3], data: [2, 3, 0, 2, 5, 3] });
});

test("token ids that are too many keep the special tokens", async () => {
  const ids = [new TokenIds([2, 11, 12, 13, 14, 15, 16, 17, 18, 3])];
  const { runs } = await run(create(), ids);
  expect(runs[0]?.[0]).toMatchObject({ data: [2, 11, 12, 13, 14, 15, 16, 3] });
  const left = await run(create(), ids, { truncation_direction: "left" });
  expect(left.runs[0]?.[0]).toMatchObject({ data: [2, 13, 14, 15, 16, 17, 18, 3] });
  const refused = run(create(), ids, { truncate: false });
  const { message } = await rejectedApiError("invalid_input", refused);
  expect(message).toBe("inputs[0] has 10 tokens: this model reads 8 at most.");
});

test.each([
  [1, "inputs must be a text or a list of texts; got 1"],
  [["a", null], "inputs[1] must be a text; got null"],
  [{ source_sentence: "a" }, "got nothing as sentences"],
  [{ source_sentence: "a", sentences: [] }, "got an array of 0 as sentences"],
  [{ source_sentence: "a", sentences: ["b"], more: 1 }, 'unknown: "more"'],
  [{ source_sentence: 1, sentences: ["b"] }, "inputs.source_sentence must be a text; got 1"],
  [[new TokenIds([])], "inputs[0] has no tokens"],
  [[new TokenIds([2, 999_999, 3])], "the token 999999 is not in the model's vocabulary"],
  [[new TokenIds([7, 5, 3])], "its token ids begin with 2 and end with 3. Send texts"],
  [[new TokenIds([2, 5, 7])], "OpenAIEmbeddings does with check_embedding_ctx_length=False"],
  [[new TokenIds([2])], "its token ids begin with 2 and end with 3"],
  [Array.from({ length: MAX_TEXTS + 1 }, () => "a"), "inputs has 2049 texts"],
  [
    Array.from({ length: 20 }, () => "a".repeat(MAX_TOTAL_CHARACTERS / 10)),
    "2000000 characters: a request may have",
  ],
])("%j is refused", async (inputs, message) => {
  expect((await rejectedApiError("invalid_input", run(create(), inputs))).message).toContain(
    message,
  );
});

test("a tokenizer whose tokens cannot be located is refused where the postprocessor locates them", () => {
  const create = () =>
    createTokenizerPreprocessor(
      block,
      (name) => ({ name, datatype: "INT64", shape: ["n", "tokens"] }),
      readTokenizerJson("bpe-byte-fallback"),
      { spans: true },
    );
  const { message } = catchApiError("task_not_supported", create);
  expect(message).toContain("cannot be located");
});
