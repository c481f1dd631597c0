import {
  constantOnes,
  leakySum,
  ones,
  path,
  quotient,
  sum,
} from "../../test/support/awkward-models.ts";
import { buildOnnx, type Graph } from "../../test/support/onnx-builder.ts";
import { HELPER_MODELS } from "./helper-models.ts";
import type { ModelSample } from "./samples.ts";

/** Small graphs with what the models of `models/` lack: subgraphs, strings, shapes that are data, states, trees. */
export function graphSamples(): ModelSample[] {
  const graphs: Readonly<Record<string, Graph>> = {
    branch,
    ones,
    "constant-ones": constantOnes([2n, 3n]),
    quotient,
    sum: sum(1),
    "leaky-sum": leakySum,
    path: path(5),
  };
  return [
    ...Object.entries(graphs).map(([name, graph]) => ({ name, bytes: buildOnnx(graph) })),
    ...Object.entries(HELPER_MODELS).map(([name, bytes]) => ({ name, bytes })),
  ].map((sample) => ({ ...sample, format: "onnx", weight: 1 }));
}

/** An `If`: `y` is `x`, or its negative. */
const branch: Graph = {
  inputs: [
    { name: "x", datatype: "FP32", shape: ["n"] },
    { name: "c", datatype: "BOOL", shape: [] },
  ],
  outputs: [{ name: "y", datatype: "FP32", shape: ["n"] }],
  nodes: [
    {
      op: "If",
      inputs: ["c"],
      outputs: ["y"],
      attributes: {
        then_branch: { g: branchGraph("Identity") },
        else_branch: { g: branchGraph("Neg") },
      },
    },
  ],
};

function branchGraph(op: string): Graph {
  return {
    name: op,
    outputs: [{ name: `y-${op}`, datatype: "FP32", shape: ["n"] }],
    nodes: [{ op, inputs: ["x"], outputs: [`y-${op}`] }],
  };
}
