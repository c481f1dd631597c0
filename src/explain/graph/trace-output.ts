import type { GraphNode, OnnxGraph } from "../../onnx/graph/onnx-graph.ts";
import { ELEMENTWISE } from "../operators/elementwise.ts";
import { ENCODERS } from "../operators/encoders.ts";
import { FORESTS } from "../operators/forests.ts";
import { LINEAR_MODELS } from "../operators/linear-models.ts";
import { LINKS, ML_LINKS } from "../operators/links.ts";
import type { Operator, OperatorCall, SlicedOperator } from "../operators/operator.ts";
import { STRUCTURE } from "../operators/structure.ts";
import { SUMS } from "../operators/sums.ts";
import { UnexplainableError } from "./element.ts";
import { fromTensor, inputValue } from "./to-value.ts";
import type { Value } from "./value.ts";

/** By domain and name. */
const OPERATORS: Readonly<Record<string, Readonly<Record<string, Operator | SlicedOperator>>>> = {
  "": { ...ELEMENTWISE, ...STRUCTURE, ...SUMS, ...LINKS },
  "ai.onnx.ml": { ...ENCODERS, ...LINEAR_MODELS, ...FORESTS, ...ML_LINKS },
};

/** Nodes that an output may depend on; models that are explained from their graph have tens of them. */
const MAX_NODES = 2000;

/**
 * What an output of a graph is in any row.
 * @param rowShape of a row of the graph's input
 * @returns in steps: yields every few milliseconds of work
 * @throws UnexplainableError where it is more than sums and probabilities of functions of single columns
 */
export function* traceOutput(
  graph: OnnxGraph,
  output: string,
  rowShape: readonly number[],
): Generator<undefined, Value> {
  const [input, ...others] = graph.inputs;
  if (!input || others.length > 0)
    throw new UnexplainableError(`the model has ${graph.inputs.length} inputs`);
  const known = new Map<string, Value>([[input.name, inputValue(input.elementType, rowShape)]]);
  const find = (name: string): Value | undefined => {
    const initializer = graph.initializers.get(name);
    if (initializer && !known.has(name)) known.set(name, fromTensor(initializer));
    return known.get(name);
  };
  for (const node of nodesBefore(graph, output)) {
    yield;
    const operator = OPERATORS[node.domain]?.[node.operator];
    if (!operator || !Object.hasOwn(OPERATORS[node.domain] ?? {}, node.operator))
      throw new UnexplainableError(`the model has the operator ${nameOf(node)}`);
    const call: OperatorCall = {
      node,
      inputs: node.inputs.map((name) => (name === "" ? undefined : find(name))),
      opset: graph.opsets.get(node.domain) ?? 1,
    };
    const found = operator(call);
    const values = "next" in found ? yield* found : found;
    for (const [index, name] of node.outputs.entries()) {
      const value = values[index];
      if (value) known.set(name, value);
    }
  }
  const value = find(output);
  if (value) return value;
  throw new UnexplainableError(`the model has no output ${JSON.stringify(output)} of scores`);
}

/** The nodes that an output depends on, each after those that it depends on itself. */
function nodesBefore(graph: OnnxGraph, output: string): GraphNode[] {
  const makers = new Map<string, GraphNode>();
  for (const node of graph.nodes) for (const name of node.outputs) makers.set(name, node);
  const ordered: GraphNode[] = [];
  const state = new Map<GraphNode, "open" | "done">();
  const first = makers.get(output);
  const stack = first ? [first] : [];
  while (stack.length > 0) {
    const node = stack.at(-1) as GraphNode;
    if (state.get(node) === undefined) {
      state.set(node, "open");
      if (state.size > MAX_NODES)
        throw new UnexplainableError(`the model has more than ${MAX_NODES} operators`);
      for (const name of node.inputs) {
        const maker = makers.get(name);
        if (!maker || state.get(maker) === "done") continue;
        if (state.get(maker) === "open")
          throw new UnexplainableError(`the model's operator ${nameOf(node)} depends on itself`);
        stack.push(maker);
      }
      continue;
    }
    stack.pop();
    if (state.get(node) === "open") ordered.push(node);
    state.set(node, "done");
  }
  return ordered;
}

function nameOf({ domain, operator }: GraphNode): string {
  return domain === "" ? operator : `${domain}.${operator}`;
}
