import { beforeAll, describe, expect, test } from "vitest";
import { OrtError, OrtInstance } from "../../../src/runtime/ort-instance.ts";
import { OrtSession } from "../../../src/runtime/ort-session.ts";
import { buildOnnx, type Graph } from "../../support/onnx-builder.ts";

/** Texts go through the engine byte by byte, as Python's onnxruntime returns them of the same models. */

let instance: OrtInstance;

beforeAll(async () => {
  instance = await OrtInstance.create(() => true);
});

function load(graph: Graph): OrtSession {
  const bytes = buildOnnx(graph);
  const address = instance.allocate(bytes.byteLength);
  instance.heap.set(bytes, address);
  const options = { format: "onnx", prepack: true } as const;
  return new OrtSession(instance, address, bytes.byteLength, options);
}

const IDENTITY: Graph = {
  inputs: [{ name: "x", datatype: "BYTES", shape: ["n"] }],
  outputs: [{ name: "y", datatype: "BYTES", shape: ["n"] }],
  nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
};

/** `y`: the labels at the indices `i`. */
function labels(texts: readonly Uint8Array[]): Graph {
  return {
    inputs: [{ name: "i", datatype: "INT64", shape: ["n"] }],
    outputs: [{ name: "y", datatype: "BYTES", shape: ["n"] }],
    nodes: [{ op: "Gather", inputs: ["labels", "i"], outputs: ["y"] }],
    weights: [{ name: "labels", datatype: "BYTES", shape: [texts.length], data: texts }],
  };
}

const TEXTS = [
  "",
  "\0",
  "\0\0",
  "abc\0def",
  "abc\0",
  "\0abc",
  "\ufeff",
  "\ufeff0123456789abcd",
  "\ufeff0123456789abcdef\ufeff",
  "0123456789",
  "01234567890",
  "a long text of more than one short string\0 with a NUL inside \u0001",
  "é\0\u{1f600}",
  "\u0001".repeat(40),
  "\0".repeat(5000),
];

describe("texts through a model", () => {
  test.each(TEXTS)("%j comes back as it was, alone and among others", (text) => {
    const session = load(IDENTITY);
    const run = (data: string[]): unknown =>
      session.run([{ name: "x", datatype: "BYTES", shape: [data.length], data }], ["y"])[0];
    for (const data of [[text], [text, "z"], ["a", text], [text, text], [...TEXTS, text]])
      expect(run(data)).toEqual({ name: "y", datatype: "BYTES", shape: [data.length], data });
    session.release();
  });

  test("no text is a tensor without elements", () => {
    const session = load(IDENTITY);
    expect(session.run([{ name: "x", datatype: "BYTES", shape: [0], data: [] }], ["y"])).toEqual([
      { name: "y", datatype: "BYTES", shape: [0], data: [] },
    ]);
    session.release();
  });

  test("1000 runs with NULs leave the heap as large as it was", () => {
    const session = load(IDENTITY);
    const data = ["x".repeat(100_000).replace("xx", "x\0"), "\0"];
    const run = (): unknown =>
      session.run([{ name: "x", datatype: "BYTES", shape: [2], data }], ["y"]);
    run();
    const { memoryBytes } = instance;
    for (let i = 0; i < 1000; i++) run();
    expect(instance.memoryBytes).toBe(memoryBytes);
    session.release();
  });
});

describe("texts that a model has", () => {
  const indices = (...values: number[]) => ({
    name: "i",
    datatype: "INT64" as const,
    shape: [values.length],
    data: new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
  });

  test.each([
    ["Latin-1", Buffer.from("caf\xe9", "latin1")],
    ["a cut character", Buffer.from("é").subarray(0, 1)],
    ["a surrogate", Buffer.from("eda080", "hex")],
    ["an overlong NUL", Buffer.from("c080", "hex")],
  ])("%s is an error that names the output, wherever it stands", (_, text) => {
    const session = load(labels([text, Buffer.from("neighbour"), Buffer.from("\xa9", "utf8")]));
    expect(session.run([indices(1, 2)], ["y"])).toMatchObject([{ data: ["neighbour", "\xa9"] }]);
    for (const [order, place] of [
      [[0, 1], 0],
      [[1, 0], 1],
      [[2, 0, 2], 1],
      [[0], 0],
    ] as const) {
      const run = (): unknown => session.run([indices(...order)], ["y"]);
      expect(run).toThrow(OrtError);
      expect(run).toThrow(`element ${place} of output "y" is not UTF-8`);
    }
    session.release();
  });

  test("NULs and byte order marks at the ends are kept", () => {
    const texts = ["a\0", "\ufeffb\0\0", "\0"];
    const session = load(labels(texts.map((text) => Buffer.from(text))));
    for (const order of [[0, 1, 2], [2, 1, 0], [1], [2]])
      expect(session.run([indices(...order)], ["y"])).toMatchObject([
        { data: order.map((index) => texts[index]) },
      ]);
    session.release();
  });

  test("a name keeps its byte order mark, also when it is long", () => {
    const name = "\ufeff-a name of more than sixteen bytes";
    const session = load({
      inputs: [{ name, datatype: "BYTES", shape: ["\ufeffdimension of many letters"] }],
      outputs: [{ name: "y", datatype: "BYTES", shape: ["n"] }],
      nodes: [{ op: "Identity", inputs: [name], outputs: ["y"] }],
    });
    expect(session.describe().inputs).toEqual([
      { name, datatype: "BYTES", shape: ["\ufeffdimension of many letters"] },
    ]);
    const feed = { name, datatype: "BYTES", shape: [1], data: ["x"] } as const;
    expect(session.run([feed], ["y"])).toMatchObject([{ data: ["x"] }]);
    session.release();
  });
});
