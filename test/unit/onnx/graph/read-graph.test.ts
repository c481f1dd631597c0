import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { projectPath } from "../../../../scripts/project.ts";
import type { OnnxGraph } from "../../../../src/onnx/graph/onnx-graph.ts";
import { MAX_GRAPH_BYTES, readGraph } from "../../../../src/onnx/graph/read-graph.ts";
import { OnnxError } from "../../../../src/onnx/onnx-scanner.ts";
import { createSeededRandom } from "../../../../src/shared/random.ts";

const readFile = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(projectPath("test", "fixtures", "explanations", "linear", name)));

/** @throws Error for a file that is never read to its end */
function read(file: Uint8Array): OnnxGraph {
  const steps = readGraph(file);
  for (let count = 0; count < 100_000; count++) {
    const { done, value } = steps.next();
    if (done) return value;
  }
  throw new Error("it takes too many steps");
}

/** @returns the error of a file that is refused; `undefined` of one that is read */
function errorOf(file: Uint8Array): unknown {
  try {
    read(file);
    return undefined;
  } catch (error) {
    return error;
  }
}

describe("a model of both formats", () => {
  const operatorsOf = ({ nodes }: OnnxGraph) => new Set(nodes.map(({ operator }) => operator));

  test("has its inputs, operators and versions", () => {
    const [onnx, ort] = ["forest.onnx", "forest.ort"].map((name) => read(readFile(name)));
    expect(ort?.inputs).toEqual(onnx?.inputs);
    expect(ort?.outputs).toEqual(onnx?.outputs);
    for (const graph of [onnx, ort]) {
      expect(operatorsOf(graph as OnnxGraph)).toContain("TreeEnsembleClassifier");
      expect(graph?.opsets.get("ai.onnx.ml")).toBeGreaterThan(0);
    }
  });
});

describe.each(["mixed.onnx", "mixed.ort", "forest.onnx", "forest.ort"])("%s", (name) => {
  const file = readFile(name);

  test("that is cut is read or refused as invalid", () => {
    for (let length = 0; length < file.byteLength; length += 7) {
      const error = errorOf(file.slice(0, length));
      if (error !== undefined) expect([length, error]).toEqual([length, expect.any(OnnxError)]);
    }
    expect(errorOf(file.slice(0, file.byteLength >> 1))).toBeInstanceOf(OnnxError);
  });

  test("with other bytes is read or refused as invalid", () => {
    const random = createSeededRandom(20_261_201);
    for (let round = 0; round < 1000; round++) {
      const damaged = file.slice();
      for (let count = 0; count < 1 + round / 200; count++)
        damaged[Math.floor(random() * damaged.byteLength)] = Math.floor(random() * 256);
      const error = errorOf(damaged);
      if (error !== undefined) expect([round, error]).toEqual([round, expect.any(OnnxError)]);
    }
  });
});

test("a file over the limit is refused before it is read", () => {
  expect(() => read(new Uint8Array(MAX_GRAPH_BYTES + 1))).toThrow(/graphs are read of up to/);
});
