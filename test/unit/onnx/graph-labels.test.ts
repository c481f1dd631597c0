import { describe, expect, test } from "vitest";
import { encodeField, encodeNumberField, encodeVarint } from "../../../src/onnx/wire-format.ts";
import { adapt } from "../../support/rewrite-onnx.ts";

/** Graphs of which only names, operators and class lists matter. */

type Values = readonly string[] | readonly number[] | Uint8Array;

/** Texts, integers (in the packed encoding) or a tensor. */
function attribute(name: string, values: Values): Uint8Array {
  const content =
    values instanceof Uint8Array
      ? [encodeField(5, values)]
      : values.map((value) =>
          typeof value === "string"
            ? encodeField(9, value)
            : encodeField(8, value < 0 ? negative(value) : encodeVarint(value)),
        );
  return encodeField(5, Buffer.concat([encodeField(1, name), ...content]));
}

/** The ten bytes of a negative integer. */
function negative(value: number): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  return Uint8Array.from({ length: 10 }, (_, index) => {
    const byte = Number(rest & 127n) + (index < 9 ? 128 : 0);
    rest >>= 7n;
    return byte;
  });
}

function node(
  operator: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, Values>> = {},
): Uint8Array {
  return encodeField(
    1,
    Buffer.concat([
      ...inputs.map((name) => encodeField(1, name)),
      ...outputs.map((name) => encodeField(2, name)),
      encodeField(4, operator),
      ...Object.entries(attributes).map(([name, values]) => attribute(name, values)),
    ]),
  );
}

function labelsOf(outputs: readonly string[], ...parts: readonly Uint8Array[]): unknown {
  const values = outputs.map((name) => encodeField(12, encodeField(1, name)));
  return adapt(encodeField(7, Buffer.concat([...parts, ...values]))).labels;
}

const int64s = (...values: readonly number[]): Buffer =>
  Buffer.from(BigInt64Array.from(values, BigInt).buffer);
const texts = (...values: readonly string[]): Buffer =>
  Buffer.concat([encodeNumberField(2, 8), ...values.map((value) => encodeField(6, value))]);

const classifier = node("TreeEnsembleClassifier", ["x"], ["class", "scores"], {
  classlabels_int64s: [20, 10, -3],
});
const encoder = node("LabelEncoder", ["class"], ["label"], {
  keys_int64s: [10, -3, 20],
  values_strings: ["ten", "minus", "twenty"],
});

describe("labels", () => {
  test("are a classifier's classes, in the order of its scores", () => {
    expect(labelsOf(["class", "scores"], classifier)).toEqual(["20", "10", "-3"]);
    expect(labelsOf(["scores"], classifier)).toEqual(["20", "10", "-3"]);
    const svm = node("SVMClassifier", ["x"], ["y", "z"], { classlabels_strings: ["no", "yes"] });
    expect(labelsOf(["z"], svm)).toEqual(["no", "yes"]);
  });

  test("are found behind operators that keep their order", () => {
    const cast = node("Cast", ["class"], ["cast"]);
    const reshape = node("Reshape", ["cast", "shape"], ["label"]);
    expect(labelsOf(["label"], classifier, cast, reshape)).toEqual(["20", "10", "-3"]);
    const mixed = node("MatMul", ["scores", "w"], ["mixed"]);
    expect(labelsOf(["mixed"], classifier, mixed)).toBeUndefined();
  });

  test("are what a LabelEncoder makes of a classifier's classes", () => {
    expect(labelsOf(["label", "scores"], classifier, encoder)).toEqual(["twenty", "ten", "minus"]);
  });

  test("are what a LabelEncoder makes of indices, whose lists may be tensors", () => {
    const index = node("ArgMax", ["x"], ["index"]);
    const keys = Buffer.concat([encodeNumberField(2, 7), encodeField(9, int64s(1, 2, 0))]);
    const tensors = node("LabelEncoder", ["index"], ["label"], {
      keys_tensor: keys,
      values_tensor: texts("b", "c", "a"),
    });
    expect(labelsOf(["label"], index, tensors)).toEqual(["a", "b", "c"]);
    const first = node("LabelEncoder", ["index"], ["label"], { classes_strings: ["a", "b"] });
    expect(labelsOf(["label"], index, first)).toEqual(["a", "b"]);
  });

  test("are none where a LabelEncoder leaves out an index or a class", () => {
    const index = node("ArgMax", ["x"], ["index"]);
    const gap = node("LabelEncoder", ["index"], ["label"], {
      keys_int64s: [0, 2],
      values_strings: ["a", "c"],
    });
    expect(labelsOf(["label"], index, gap)).toBeUndefined();
    const part = node("LabelEncoder", ["class"], ["label"], {
      keys_int64s: [10],
      values_strings: ["ten"],
    });
    expect(labelsOf(["label"], classifier, part)).toBeUndefined();
  });

  test("are texts from which an ArgMax takes one, in an initializer or a constant", () => {
    const index = node("ArgMax", ["x"], ["index"]);
    const gather = node("Gather", ["classes", "index"], ["label"]);
    const named = Buffer.concat([texts("a", "b"), encodeField(8, "classes")]);
    expect(labelsOf(["label"], index, gather, encodeField(5, named))).toEqual(["a", "b"]);
    const constant = node("Constant", [], ["classes"], { value: texts("c", "d") });
    expect(labelsOf(["label"], constant, index, gather)).toEqual(["c", "d"]);
    // Any other index may be one of a word.
    const lookup = node("Gather", ["classes", "x"], ["label"]);
    expect(labelsOf(["label"], lookup, encodeField(5, named))).toBeUndefined();
  });

  test("are none when several lists differ", () => {
    const other = node("LinearClassifier", ["x"], ["b", "c"], { classlabels_strings: ["p", "q"] });
    expect(labelsOf(["scores", "c"], classifier, other)).toBeUndefined();
    expect(labelsOf(["scores"], classifier, other)).toEqual(["20", "10", "-3"]);
  });
});

const latin1 = encodeField(9, Uint8Array.from([0x63, 0x61, 0x66, 0xe9]));

test("labels keep a mark at their beginning, and are none where one is not UTF-8", () => {
  const marked = node("SVMClassifier", ["x"], ["y", "z"], {
    classlabels_strings: ["\ufeffno", "yes"],
  });
  expect(labelsOf(["z"], marked)).toEqual(["\ufeffno", "yes"]);
  const attributes = encodeField(5, Buffer.concat([encodeField(1, "classlabels_strings"), latin1]));
  const broken = encodeField(
    1,
    Buffer.concat([encodeField(2, "z"), encodeField(4, "SVMClassifier"), attributes]),
  );
  expect(labelsOf(["z"], broken)).toBeUndefined();
});

const named = (name: Uint8Array | string): Uint8Array => encodeField(12, encodeField(1, name));
const graphOf = (...outputs: readonly Uint8Array[]): Uint8Array =>
  encodeField(7, Buffer.concat(outputs));

test.each<[outputs: string, graph: Uint8Array, message: string]>([
  ["with one name", graphOf(named("a"), named("a")), 'two outputs with the name "a"'],
  ["with a NUL", graphOf(named("a\0b")), "has a NUL: rename it"],
  ["that are not UTF-8", graphOf(named(Uint8Array.of(0xe9))), "is not UTF-8"],
  [
    "without number",
    graphOf(...Array.from({ length: 1001 }, (_, index) => named(`y${index}`))),
    "it has 1001 outputs, and a model may have 1000",
  ],
])("a model with outputs %s is refused", (_, graph, message) => {
  expect(() => adapt(graph)).toThrow(message);
});

test("a chain of operators is followed once, however many outputs it has", () => {
  const chain = Array.from({ length: 20_000 }, (_, index) =>
    node("Identity", [`v${index}`], [`v${index + 1}`]),
  );
  const outputs = Array.from({ length: 1000 }, (_, index) => `v${20_000 - index}`);
  const first = node("LinearClassifier", ["x"], ["class", "v0"], {
    classlabels_strings: ["a", "b"],
  });
  expect(labelsOf(outputs, first, ...chain)).toEqual(["a", "b"]);
});
