import { describe, expect, test } from "vitest";
import { OnnxError } from "../../../src/onnx/onnx-scanner.ts";
import { encodeField, encodeNumberField, encodeVarint } from "../../../src/onnx/wire-format.ts";
import { readExport } from "../../support/exported-models.ts";
import { type Attribute, buildOnnx, type Graph } from "../../support/onnx-builder.ts";
import { adapt, rewrite, scan } from "../../support/rewrite-onnx.ts";

const NAMES = ["sklearn-columns", "catboost", "external", "overridable", "zipmaps"];

/** A fixed sequence of numbers from 0 to 1, so that a failure can be repeated. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What becomes of a file that need not be valid: anything but an `OnnxError` fails the test. */
function outcome(bytes: Uint8Array): "read" | "refused" {
  try {
    adapt(bytes);
    return "read";
  } catch (error) {
    if (error instanceof OnnxError) return "refused";
    throw error;
  }
}

function message(bytes: Uint8Array): string {
  try {
    adapt(bytes);
  } catch (error) {
    return error instanceof OnnxError ? error.message : String(error);
  }
  return "";
}

describe("a file", () => {
  test.each(NAMES)("%s is read the same in pieces of any size", async (name) => {
    const bytes = readExport(`${name}.onnx`);
    const { labels, optionalInputs, changes } = adapt(bytes);
    for (const pieceBytes of [1, 2, 3, 7, 64, 1000])
      expect(adapt(bytes, pieceBytes)).toMatchObject({ labels, optionalInputs, changes });
  });

  test.each(NAMES)("%s that is cut anywhere is refused", (name) => {
    const bytes = readExport(`${name}.onnx`);
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length);
      // Within the graph, whose length says more. Behind it, what is left may be a whole file.
      if (length < bytes.length - 40) expect(outcome(cut)).toBe("refused");
      else outcome(cut);
    }
  });

  test("that is damaged is read or refused, wherever the damage is", () => {
    const random = createRandom(20_261_130);
    const outcomes = new Set<string>();
    for (const name of NAMES) {
      const bytes = readExport(`${name}.onnx`);
      for (let round = 0; round < 500; round++) {
        const damaged = bytes.slice();
        for (let count = 1 + Math.floor(random() * 4); count > 0; count--)
          damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256);
        outcomes.add(outcome(damaged));
      }
    }
    expect([...outcomes].sort()).toEqual(["read", "refused"]);
  });

  test("that is damaged and read is rewritten to its planned size", async () => {
    const random = createRandom(7);
    const bytes = readExport("sklearn-columns.onnx");
    for (let round = 0; round < 300; round++) {
      const damaged = bytes.slice();
      damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256);
      if (outcome(damaged) === "refused" || adapt(damaged).changes.length === 0) continue;
      await expect(rewrite(damaged, new Map(), 50)).resolves.toBeDefined();
    }
  });

  test.each<[what: string, bytes: Uint8Array, why: RegExp]>([
    ["no bytes", new Uint8Array(), /has no graph/],
    ["text", Buffer.from("This is not a model."), /not a valid ONNX model/],
    ["zeros", new Uint8Array(100), /a field of number 0/],
    ["ones", new Uint8Array(100).fill(255), /a number of more than 10 bytes/],
    ["a group", Uint8Array.of(0x3b, 0x3c), /wire type 3/],
    [
      "a length beyond the end",
      Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0x7f, 0),
      /268435455 bytes, of which only 1 are/,
    ],
    [
      "a length beyond its message",
      encodeField(7, Uint8Array.of(0x0a, 5, 0)),
      /5 bytes, of which only 1 are/,
    ],
    [
      "a number beyond its message",
      Uint8Array.of(0x3a, 2, 0x08, 0x80, 0x01),
      /last field ends after it/,
    ],
    [
      "two graphs",
      Buffer.concat([encodeField(7, []), encodeField(7, [])]),
      /2 graphs instead of one/,
    ],
    [
      "a text of 2 MB",
      encodeField(7, encodeField(12, encodeField(1, new Uint8Array(2e6)))),
      /a text of 2000000 bytes/,
    ],
  ])("of %s is refused", (_, bytes, why) => {
    expect(message(bytes)).toMatch(why);
  });

  test("of deeply nested subgraphs is refused without recursion", () => {
    let graph: Uint8Array = new Uint8Array();
    for (let depth = 0; depth < 3000; depth++)
      graph = encodeField(1, encodeField(5, encodeField(6, graph)));
    expect(message(encodeField(7, graph))).toMatch(/nested more than 100 levels deep/);
  });

  test("of deeply nested types is refused without recursion", () => {
    let type: Uint8Array = encodeField(1, encodeNumberField(1, 1));
    for (let depth = 0; depth < 3000; depth++) type = encodeField(4, encodeField(1, type));
    const output = encodeField(12, Buffer.concat([encodeField(1, "y"), encodeField(2, type)]));
    expect(message(encodeField(7, output))).toMatch(/nested more than 100 levels deep/);
  });

  test("of more names than can be kept is refused", () => {
    const input = encodeField(11, encodeField(1, "x".repeat(1000)));
    const graph = Buffer.concat(Array.from({ length: 30_000 }, () => input));
    expect(message(encodeField(7, graph))).toMatch(/more names than fit/);
  });

  test("of many empty nodes keeps none of them", () => {
    const graph = new Uint8Array(1_000_000);
    for (let at = 0; at < graph.length; at += 2) graph[at] = 0x0a;
    const file = scan(Buffer.concat([encodeField(7, graph)]), 65_536);
    expect(file.messages(7)[0]?.fields).toEqual([]);
  });

  test("of nodes with long lists of numbers and texts is read, without these lists as labels", () => {
    const many = Array.from({ length: 20_000 }, (_, index) => index);
    const packed = Buffer.concat(many.map((index) => encodeVarint(index)));
    const ints = Buffer.concat([encodeField(1, "classlabels_int64s"), encodeField(8, packed)]);
    const texts = Buffer.concat([
      encodeField(1, "classlabels_strings"),
      ...many.map((index) => encodeField(9, `class ${index}`)),
    ]);
    for (const attribute of [ints, texts]) {
      const node = Buffer.concat([
        encodeField(2, "y"),
        encodeField(4, "LinearClassifier"),
        encodeField(5, attribute),
      ]);
      const graph = Buffer.concat([encodeField(1, node), encodeField(12, encodeField(1, "y"))]);
      expect(adapt(encodeField(7, graph)).labels).toBeUndefined();
    }
  });
});

test("weights are skipped, whatever their bytes are", () => {
  const data = new Float32Array(300_000).fill(Number.NaN);
  const value: Attribute = { t: { name: "", datatype: "FP32", shape: [300_000], data } };
  const graph: Graph = {
    outputs: [{ name: "y", datatype: "FP32", shape: [300_000] }],
    nodes: [
      { op: "Constant", outputs: ["c"], attributes: { value } },
      { op: "Add", inputs: ["c", "w"], outputs: ["y"] },
    ],
    weights: [{ name: "w", datatype: "FP32", shape: [300_000], data }],
  };
  expect(adapt(buildOnnx(graph), 4096)).toMatchObject({ changes: [], optionalInputs: [] });
});
