import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { projectPath } from "../../../../scripts/project.ts";
import { Media } from "../../../../src/domain/media.ts";
import { type NumericTensor, toTypedArray } from "../../../../src/domain/tensor.ts";
import { createNgramPreprocessor } from "../../../../src/tasks/text/ngram-preprocessor.ts";
import { MAX_TEXTS, MAX_TOTAL_CHARACTERS } from "../../../../src/tasks/text/text-item.ts";
import { catchApiError } from "../../../support/errors.ts";
import { preprocess } from "../../../support/preprocess.ts";
import { EXPECTED_FOLDER, expectClose, readExpected } from "../../../support/tensors.ts";

const { texts }: { texts: { text: string; nonzeroFrequencies: number; frequenciesSum: number }[] } =
  JSON.parse(readFileSync(`${EXPECTED_FOLDER}/language-identification-texts.json`, "utf8"));
const vocabulary = readFileSync(
  projectPath("models", "language-identification", "1", "vocabulary.json"),
);
const spec = { name: "frequencies", datatype: "FP32", shape: ["batch", 620] } as const;
const preprocessor = createNgramPreprocessor(spec, vocabulary);
const hasLetters = (text: string) => /\p{L}/u.test(text);
const encode = (inputs: unknown) => preprocess(preprocessor, inputs);

function frequencies(inputs: unknown): number[] {
  const [tensor] = encode(inputs).tensors;
  return Array.from(toTypedArray(tensor as NumericTensor), Number);
}

test.each(texts.filter(({ text }) => hasLetters(text)))(
  "text $# has the frequencies that lande counts",
  (expected) => {
    const { text, nonzeroFrequencies, frequenciesSum } = expected;
    const row = frequencies(text);
    expect(row).toHaveLength(620);
    expect(row.filter((value) => value !== 0)).toHaveLength(nonzeroFrequencies);
    expectClose([row.reduce((sum, value) => sum + value, 0)], [frequenciesSum], 1e-5);
  },
);

test("a list of texts is a batch", () => {
  const [first = { text: "" }, second = { text: "" }] = texts;
  const { tensors, form } = encode([first.text, second.text]);
  expect(form).toBe("list");
  expect(tensors).toMatchObject([{ name: "frequencies", datatype: "FP32", shape: [2, 620] }]);
  expect(frequencies([first.text, second.text])).toEqual([
    ...frequencies(first.text),
    ...frequencies(second.text),
  ]);
});

test("the model's columns are in the order of the vocabulary", () => {
  const [{ data = [], shape = [] } = {}] = readExpected("language-identification").inputs;
  expect(shape[1]).toBe(620);
  expect(JSON.parse(vocabulary.toString())).toHaveLength(620);
  // Relative frequencies of the n-grams of one length add up to 1 at most.
  const lengths: number[] = JSON.parse(vocabulary.toString()).map((gram: string) => gram.length);
  for (const length of [1, 2, 3, 4]) {
    const sum = data
      .slice(0, 620)
      .reduce((total, v, i) => total + (lengths[i] === length ? v : 0), 0);
    expect(sum).toBeGreaterThan(0);
    expect(sum).toBeLessThanOrEqual(1 + 1e-6);
  }
});

test.each([
  [1, "inputs must be a text or a list of texts; got 1"],
  [null, "got null"],
  [{ text: "a" }, "got an object"],
  [["a", 2], "inputs[1] must be a text; got 2"],
  [[["a"]], "inputs[0] must be a text; got an array of 1"],
])("%j is not a text", (inputs, message) => {
  expect(catchApiError("invalid_input", () => encode(inputs)).message).toContain(message);
});

// The fixture has two such texts: lande returns kor with a score of 1.
test.each([
  ...texts.filter(({ text }) => !hasLetters(text)),
  { text: "  \n" },
  { text: "--" },
  { text: "😀" },
])("$text has no letters and is refused", ({ text }) => {
  const message = `has no letters, which this model needs; got ${JSON.stringify(text)}.`;
  expect(catchApiError("invalid_input", () => encode(text)).message).toBe(`inputs ${message}`);
  const list = ["a text", text];
  expect(catchApiError("invalid_input", () => encode(list)).message).toBe(`inputs[1] ${message}`);
});

// 4 million texts of one letter fit into a body of 16 MB, and would be 10 GB of frequencies.
test.each([
  ["too many texts", Array.from({ length: MAX_TEXTS + 1 }, () => "a"), "inputs has 2049 texts"],
  [
    "too many characters of a text",
    "a".repeat(MAX_TOTAL_CHARACTERS + 1),
    "1000001 characters: a request may have",
  ],
  [
    "too many characters of a body",
    new Media("text/plain", new Uint8Array(MAX_TOTAL_CHARACTERS + 1).fill(97)),
    "1000001 characters: a request may have",
  ],
  [
    "too many characters of several texts",
    Array.from({ length: 20 }, () => "a".repeat(MAX_TOTAL_CHARACTERS / 10)),
    "2000000 characters: a request may have",
  ],
])("%s are refused", (_, inputs, message) => {
  expect(catchApiError("invalid_input", () => encode(inputs)).message).toContain(message);
});

test.each<[vocabulary: string, shape: (string | number)[], message: string]>([
  ["[", ["batch", 2], "The model's vocabulary is not a JSON file."],
  ['{"a": 0}', ["batch", 1], "is not an array of n-grams of 1 to 4 code units: "],
  ['["a", ""]', ["batch", 2], "→ at [1]"],
  ['["abcde"]', ["batch", 1], "→ at [0]"],
  ['["a", "b"]', ["batch", 3], "vocabulary has 2 n-grams, but its input has 3 columns."],
])("the vocabulary %s of an input of %j is refused", (text, shape, message) => {
  const json = new TextEncoder().encode(text);
  const error = catchApiError("task_not_supported", () =>
    createNgramPreprocessor({ name: "x", datatype: "FP32", shape }, json),
  );
  expect(error.message).toContain(message);
});

test.each<[shape: (string | number)[]]>([[["batch", "n"]], [[-1, -1]], [[]]])(
  "a vocabulary of any length fits an input of shape %j",
  (shape) => {
    const json = new TextEncoder().encode('["a", "b"]');
    const open = createNgramPreprocessor({ name: "x", datatype: "FP32", shape }, json);
    expect(preprocess(open, "ab").tensors).toMatchObject([{ shape: [1, 2] }]);
  },
);
