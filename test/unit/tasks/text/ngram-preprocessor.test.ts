import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { projectPath } from "../../../../scripts/project.ts";
import { Media } from "../../../../src/domain/media.ts";
import { type NumericTensor, toTypedArray } from "../../../../src/domain/tensor.ts";
import { createNgramPreprocessor } from "../../../../src/tasks/text/ngram-preprocessor.ts";
import { MAX_TEXTS, MAX_TOTAL_CHARACTERS } from "../../../../src/tasks/text/text-item.ts";
import { catchApiError, rejectedApiError } from "../../../support/errors.ts";
import { preprocessAsync } from "../../../support/preprocess.ts";
import { EXPECTED_FOLDER, expectClose, readExpected } from "../../../support/tensors.ts";

const { texts }: { texts: { text: string; nonzeroFrequencies: number; frequenciesSum: number }[] } =
  JSON.parse(readFileSync(`${EXPECTED_FOLDER}/language-identification-texts.json`, "utf8"));
const vocabulary = readFileSync(
  projectPath("models", "language-identification", "1", "vocabulary.json"),
);
const spec = { name: "frequencies", datatype: "FP32", shape: ["batch", 620] } as const;
const preprocessor = createNgramPreprocessor(spec, vocabulary, 2);
const hasLetters = (text: string) => /\p{L}/u.test(text);
const encode = (inputs: unknown) => preprocessAsync(preprocessor, inputs);

async function frequencies(inputs: unknown): Promise<number[]> {
  const [tensor] = (await encode(inputs)).tensors;
  return Array.from(toTypedArray(tensor as NumericTensor), Number);
}

test.each(texts.filter(({ text }) => hasLetters(text)))(
  "text $# has the frequencies that lande counts",
  async (expected) => {
    const { text, nonzeroFrequencies, frequenciesSum } = expected;
    const row = await frequencies(text);
    expect(row).toHaveLength(620);
    expect(row.filter((value) => value !== 0)).toHaveLength(nonzeroFrequencies);
    expectClose([row.reduce((sum, value) => sum + value, 0)], [frequenciesSum], 1e-5);
  },
);

test("a list of texts is a batch", async () => {
  const [first = { text: "" }, second = { text: "" }] = texts;
  const { tensors, form } = await encode([first.text, second.text]);
  expect(form).toBe("list");
  expect(tensors).toMatchObject([{ name: "frequencies", datatype: "FP32", shape: [2, 620] }]);
  expect(await frequencies([first.text, second.text])).toEqual([
    ...(await frequencies(first.text)),
    ...(await frequencies(second.text)),
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
])("%j is not a text", async (inputs, message) => {
  expect((await rejectedApiError("invalid_input", encode(inputs))).message).toContain(message);
});

// The fixture has two such texts: lande returns kor with a score of 1.
test.each([
  ...texts.filter(({ text }) => !hasLetters(text)),
  { text: "  \n" },
  { text: "--" },
  { text: "😀" },
])("$text has no letters and is refused", async ({ text }) => {
  const message = `has no letters, which this model needs; got ${JSON.stringify(text)}.`;
  expect((await rejectedApiError("invalid_input", encode(text))).message).toBe(`inputs ${message}`);
  const list = ["a text", text];
  expect((await rejectedApiError("invalid_input", encode(list))).message).toBe(
    `inputs[1] ${message}`,
  );
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
])("%s are refused", async (_, inputs, message) => {
  expect((await rejectedApiError("invalid_input", encode(inputs))).message).toContain(message);
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
    createNgramPreprocessor({ name: "x", datatype: "FP32", shape }, json, 2),
  );
  expect(error.message).toContain(message);
});

test.each<[shape: (string | number)[]]>([[["batch", "n"]], [[-1, -1]], [[]]])(
  "a vocabulary of any length fits an input of shape %j",
  async (shape) => {
    const json = new TextEncoder().encode('["a", "b"]');
    const open = createNgramPreprocessor({ name: "x", datatype: "FP32", shape }, json, 2);
    expect((await preprocessAsync(open, "ab")).tensors).toMatchObject([{ shape: [1, 2] }]);
  },
);

test("any white space is a space, and decomposed letters are as composed ones", async () => {
  for (const { text } of texts.filter(({ text }) => hasLetters(text))) {
    const expected = await frequencies(text);
    for (const space of ["\n", "\t", "\u00a0", "\u3000", " \r\n ", "\u2028"])
      expect(await frequencies(text.replaceAll(" ", space))).toEqual(expected);
    expect(await frequencies(text.normalize("NFD"))).toEqual(expected);
  }
});

test("version 1 keeps single line breaks and decomposed letters, as lande does", async () => {
  const first = createNgramPreprocessor(spec, vocabulary, 1);
  const text = "élan vital";
  const row = async (own: typeof first, one: string) =>
    (await preprocessAsync(own, one)).tensors[0]?.data;
  expect(await row(first, text)).toEqual(await row(preprocessor, text));
  for (const other of [text.replace(" ", "\n"), text.normalize("NFD")])
    expect(await row(first, other)).not.toEqual(await row(first, text));
});

test("a long text is counted in pieces, with the frequencies of the whole", async () => {
  const text = texts.find(({ text }) => hasLetters(text))?.text ?? "";
  const words = `${text.trim()} `;
  const whole = words.repeat(Math.floor(MAX_TOTAL_CHARACTERS / words.length));
  const row = await frequencies(whole);
  for (const [column, value] of (await frequencies(words.repeat(100))).entries())
    expect(row[column]).toBeCloseTo(value, 3);
  const marks = rejectedApiError("invalid_input", encode(`e${"\u0301\u0316".repeat(40_000)}`));
  expect((await marks).message).toBe("inputs has more than 65536 combining marks in a row.");
});

test.each(["\u0085", "\u001c", "\u001f", "\u00a0", "\u2028", "\u3000", "\t", "\v"])(
  "the white space %j is a space",
  async (space) => {
    const row = await frequencies("il fait beau aujourd'hui");
    expect(await frequencies(`il${space}fait${space}beau${space}aujourd'hui`)).toEqual(row);
  },
);
