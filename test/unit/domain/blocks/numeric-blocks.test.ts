import { describe, expect, test } from "vitest";
import { parseManifest } from "../../../../src/domain/manifest.ts";

/** The blocks of tables, arrays and n-grams, and those of scores, numbers and distances. */

type Tensor = [name: string, datatype: string, shape: readonly (string | number)[]];

const toSpec = ([name, datatype, shape]: Tensor): object => ({ name, datatype, shape });

interface Changes {
  inputs?: Tensor[];
  outputs?: Tensor[];
  [field: string]: unknown;
}

const manifest = ({
  inputs = [["x", "FP32", ["batch", 2]]],
  outputs = [["y", "FP32", ["batch", 4]]],
  ...changes
}: Changes): Record<string, unknown> => ({
  schemaVersion: 1,
  name: "m",
  version: "1",
  format: "onnx",
  file: "model.onnx",
  files: ["model.onnx", "vocabulary.json"].map((path) => ({
    path,
    sha256: "a".repeat(64),
    sizeBytes: 1,
  })),
  inputs: inputs.map(toSpec),
  outputs: outputs.map(toSpec),
  createdAt: "2026-11-22T00:00:00Z",
  ...changes,
});

const output = (...tensor: Tensor): Changes => ({ outputs: [tensor] });
const input = (...tensor: Tensor): Changes => ({ inputs: [tensor] });

/** Each invalid field by its path, with its problem. */
function problems(changes: Changes): string[] {
  try {
    parseManifest(manifest(changes));
    return [];
  } catch (error) {
    const lines = (error as Error).message.matchAll(/✖ (.+?)\s+→ at (\S+)/g);
    return Array.from(lines, ([, message, path]) => `${path}: ${message}`);
  }
}

const labels = (count: number): string[] => Array.from({ length: count }, (_, at) => `label ${at}`);

describe("classification", () => {
  const classify = (changes: Changes, count = 4): string[] =>
    problems({
      postprocess: { type: "classification", version: 1, scores: "y", activation: "none" },
      labels: labels(count),
      ...changes,
    });

  test.each<[string, Changes, number]>([
    ["a score for each label", {}, 4],
    ["a dynamic number of scores", output("y", "FP32", ["batch", "classes"]), 3],
    ["an unnamed dynamic number of scores", output("y", "FP64", [-1, -1]), 3],
    ["an unknown rank", output("y", "FP32", []), 3],
    ["one score for two labels", output("y", "FP32", ["batch", 1]), 2],
    ["one score without a dimension of its own for two labels", output("y", "FP32", ["batch"]), 2],
    ["one score for one label", output("y", "FP32", ["batch", 1]), 1],
  ])("accepts %s", (_, changes, count) => {
    expect(classify(changes, count)).toEqual([]);
  });

  test.each<[string, Changes, number, string]>([
    [
      "fewer labels than scores",
      {},
      3,
      'labels: must have length 4, one label for each value of "y"; it has 3',
    ],
    [
      "more labels than scores",
      {},
      5,
      'labels: must have length 4, one label for each value of "y"; it has 5',
    ],
    [
      "one score for three labels",
      output("y", "FP32", ["batch", 1]),
      3,
      'labels: must have length 1, one label for each value of "y"; it has 3',
    ],
    [
      "one score without a dimension of its own for three labels",
      output("y", "FP32", ["batch"]),
      3,
      'labels: must have length 1, one label for each value of "y"; it has 3',
    ],
    [
      "a sequence",
      output("y", "FP32", ["batch", "tokens", 4]),
      4,
      'postprocess.scores: "y" must have the shape [batch, classes] or [batch]; it has [batch, tokens, 4]',
    ],
    [
      "strings",
      output("y", "BYTES", ["batch", 4]),
      4,
      'postprocess.scores: "y" must be numeric; it is BYTES',
    ],
    ["no labels", {}, 0, "labels: classification needs labels"],
  ])("refuses %s", (_, changes, count, problem) => {
    expect(classify(changes, count)).toEqual([problem]);
  });
});

describe("regression", () => {
  const regress = (changes: Changes): string[] =>
    problems({ postprocess: { type: "regression", version: 1, output: "y" }, ...changes });

  test.each<[string, Changes]>([
    ["a column", output("y", "FP32", ["batch", 1])],
    ["a vector", output("y", "INT64", ["batch"])],
    ["several targets", {}],
    ["a horizon", output("y", "FP32", ["batch", 24, 1])],
    ["a horizon of several targets", output("y", "FP32", ["batch", "steps", 3])],
    ["a dynamic number of columns", output("y", "FP32", ["batch", "n"])],
    ["an unknown rank", output("y", "FP32", [])],
  ])("accepts %s", (_, changes) => {
    expect(regress(changes)).toEqual([]);
  });

  test.each<[string, Changes, string]>([
    [
      "four dimensions",
      output("y", "FP32", ["batch", "n", 2, 2]),
      '"y" must have the shape [batch] or [batch, values] or [batch, steps, targets]; it has [batch, n, 2, 2]',
    ],
    ["strings", output("y", "BYTES", ["batch"]), '"y" must be numeric; it is BYTES'],
  ])("refuses %s", (_, changes, problem) => {
    expect(regress(changes)).toEqual([`postprocess.output: ${problem}`]);
  });
});

describe("clustering", () => {
  const cluster = (changes: Changes): string[] =>
    problems({ postprocess: { type: "clustering", version: 1, distances: "y" }, ...changes });

  test.each<[string, Changes]>([
    ["no labels", {}],
    ["a label for each cluster", { labels: labels(4) }],
    ["a dynamic number of clusters", { ...output("y", "FP32", [-1, -1]), labels: labels(3) }],
    ["an unknown rank", output("y", "FP32", [])],
  ])("accepts %s", (_, changes) => {
    expect(cluster(changes)).toEqual([]);
  });

  test.each<[string, Changes, string]>([
    [
      "three labels for four clusters",
      { labels: labels(3) },
      'labels: must have length 4, one label for each value of "y"; it has 3',
    ],
    [
      "numbers of clusters instead of distances",
      output("y", "INT64", ["batch"]),
      'postprocess.distances: "y" must have the shape [batch, clusters]; it has [batch]',
    ],
    [
      "strings",
      output("y", "BYTES", ["batch", 4]),
      'postprocess.distances: "y" must be numeric; it is BYTES',
    ],
  ])("refuses %s", (_, changes, problem) => {
    expect(cluster(changes)).toEqual([problem]);
  });
});

describe("tabular", () => {
  const tabulate = (block: object, changes: Changes = {}): string[] =>
    problems({
      preprocess: { type: "tabular", version: 1, input: "x", columns: ["a", "b"], ...block },
      ...changes,
    });

  test.each<[string, object, Changes]>([
    ["a name for each column", {}, {}],
    ["a dynamic number of columns", {}, input("x", "FP64", ["batch", "columns"])],
    ["an unknown rank", {}, input("x", "FP32", [])],
    [
      "values that the datatype holds",
      { missing: { a: -128, b: 127 } },
      input("x", "INT8", [-1, 2]),
    ],
    ["NaN in an input of floats", { missing: { a: "nan", b: -1.5 } }, {}],
    [
      "a category for each value of BOOL",
      { categories: { a: ["no", "yes"] } },
      input("x", "BOOL", [-1, 2]),
    ],
  ])("accepts %s", (_, block, changes) => {
    expect(tabulate(block, changes)).toEqual([]);
  });

  test.each<[string, object, Changes, string]>([
    [
      "more names than columns",
      { columns: ["a", "b", "c"] },
      {},
      "preprocess.columns: must have length 2, one name for each column of the input; it has 3",
    ],
    [
      "an input of images",
      {},
      input("x", "FP32", ["batch", 2, 2]),
      'preprocess.input: "x" must have the shape [batch, columns]; it has [batch, 2, 2]',
    ],
    [
      "an input of strings",
      {},
      input("x", "BYTES", ["batch", 2]),
      'preprocess.input: "x" must be numeric; it is BYTES',
    ],
    [
      "categories of no column",
      { categories: { c: ["x"] } },
      {},
      "preprocess.categories.c: not one of preprocess.columns",
    ],
    [
      "a missing value of no column",
      { missing: { c: 1 } },
      {},
      "preprocess.missing.c: not one of preprocess.columns",
    ],
    [
      "a fraction in an input of integers",
      { missing: { a: 1.5 } },
      input("x", "INT32", ["batch", 2]),
      "preprocess.missing.a: must be an integer from -2147483648 to 2147483647, as the input is INT32",
    ],
    [
      "NaN in an input of integers",
      { missing: { a: "nan" } },
      input("x", "UINT8", ["batch", 2]),
      "preprocess.missing.a: must be an integer from 0 to 255, as the input is UINT8",
    ],
    [
      "a missing value beyond the datatype",
      { missing: { b: -1 } },
      input("x", "UINT64", ["batch", 2]),
      "preprocess.missing.b: must be an integer from 0 to 18446744073709551615, as the input is UINT64",
    ],
    [
      "a missing value that would round to infinity",
      { missing: { b: 65_520 } },
      input("x", "FP16", ["batch", 2]),
      "preprocess.missing.b: must be a number from -65520 to 65520, as the input is FP16",
    ],
    [
      "more categories than the datatype has values",
      { categories: { a: ["x", "y", "z"] } },
      input("x", "BOOL", ["batch", 2]),
      "preprocess.categories.a: has 3 names, but the largest value of the input is 1 (BOOL)",
    ],
  ])("refuses %s", (_, block, changes, problem) => {
    expect(tabulate(block, changes)).toEqual([problem]);
  });
});

describe("columns", () => {
  const read = (columns: object[], ...inputs: Tensor[]): string[] =>
    problems({ inputs, preprocess: { type: "columns", version: 1, columns } });
  const x: Tensor = ["x", "FP32", ["batch", 2]];
  const island: Tensor = ["island", "BYTES", ["batch", 1]];

  test("one input a column passes, beside a matrix", () => {
    const columns = [
      { name: "a", input: "x", missing: "nan" },
      { name: "island", missing: "unknown" },
      { name: "b", input: "x" },
    ];
    expect(read(columns, x, island)).toEqual([]);
  });

  test.each<[string, object[], Tensor[], string[]]>([
    ["an unknown input", [{ name: "y" }], [], ['preprocess: "y" is not one of inputs']],
    [
      "a matrix with too few columns",
      [{ name: "x" }],
      [x],
      [
        'preprocess.columns[0].input: "x" must have the shape [batch, 1] or [batch]; it has [batch, 2]',
      ],
    ],
    [
      "a number for texts",
      [{ name: "island", missing: 0 }],
      [island],
      ['preprocess.columns[0].missing: must be a text, as "island" is BYTES'],
    ],
    [
      "NaN for integers",
      [{ name: "n", missing: "nan" }],
      [["n", "INT64", ["batch"]]],
      [
        expect.stringMatching(
          /^preprocess.columns\[0\].missing: must be an integer from .* as "n" is INT64$/,
        ),
      ],
    ],
    [
      "two columns of one name",
      [
        { name: "a", input: "x" },
        { name: "a", input: "x" },
      ],
      [x],
      ["preprocess.columns: two columns have the same name"],
    ],
  ])("%s is refused", (_, columns, inputs, expected) => {
    expect(read(columns, ...inputs)).toEqual(expected);
  });
});

describe("array", () => {
  const preprocess = { type: "array", version: 1, input: "x" };

  test("accepts any shape and datatype", () => {
    expect(problems({ preprocess, ...input("x", "BYTES", ["batch"]) })).toEqual([]);
    expect(problems({ preprocess, ...input("x", "BOOL", [1, 2, 3, 4]) })).toEqual([]);
  });

  test("refuses an unknown rank, which must distinguish an item from a list of items", () => {
    expect(problems({ preprocess, ...input("x", "FP32", []) })).toEqual([
      "preprocess.input: must have a shape that begins with a batch",
    ]);
  });
});

describe("character-ngrams", () => {
  const ngrams = (...tensor: Tensor): string[] =>
    problems({
      preprocess: {
        type: "character-ngrams",
        version: 1,
        input: "x",
        vocabulary: "vocabulary.json",
      },
      ...input(...tensor),
    });

  test("accepts FP32 columns", () => {
    expect(ngrams("x", "FP32", ["batch", 620])).toEqual([]);
    expect(ngrams("x", "FP32", [])).toEqual([]);
  });

  test("refuses another datatype and another rank", () => {
    expect(ngrams("x", "FP64", ["batch", 620])).toEqual([
      'preprocess.input: "x" must be FP32; it is FP64',
    ]);
    expect(ngrams("x", "FP32", ["batch", 2, 2])).toEqual([
      'preprocess.input: "x" must have the shape [batch, vocabulary size]; it has [batch, 2, 2]',
    ]);
  });
});

describe("a preprocess block", () => {
  const inputs: Tensor[] = [
    ["x", "FP32", ["batch", 2]],
    ["z", "FP32", ["batch", 2]],
  ];

  test("a manifest whose preprocess block does not name each input of the model is refused", () => {
    expect(problems({ inputs, preprocess: { type: "array", version: 1, input: "x" } })).toEqual([
      'preprocess: must name each input of the model; it leaves out "z"',
    ]);
  });
});

test("every problem of both blocks is reported with its path", () => {
  expect(
    problems({
      preprocess: { type: "tabular", version: 1, input: "x", columns: ["a"] },
      postprocess: { type: "classification", version: 1, scores: "y", activation: "none" },
      labels: labels(3),
      task: "clustering",
    }),
  ).toEqual([
    'labels: must have length 4, one label for each value of "y"; it has 3',
    "postprocess.type: must be clustering for the task clustering",
    "preprocess.columns: must have length 2, one name for each column of the input; it has 1",
  ]);
});
