import {
  type GraphNode,
  type GraphTensor,
  isNumberList,
  isTensor,
  type NumberList,
  TextList,
} from "../../onnx/graph/onnx-graph.ts";
import { UnexplainableError } from "../graph/element.ts";
import type { Value } from "../graph/value.ts";

/** A node whose inputs are known. */
export interface OperatorCall {
  readonly node: GraphNode;
  readonly inputs: readonly (Value | undefined)[];
  /** The version of the operators of the node's domain. */
  readonly opset: number;
}

/**
 * What an operator makes of its inputs.
 * @returns its outputs; fewer where the others are labels, which explanations do not need
 * @throws UnexplainableError where an element would be no {@link file://../graph/element.ts Element}
 */
export type Operator = (call: OperatorCall) => readonly Value[];

/** One that yields every few milliseconds of work. */
export type SlicedOperator = (call: OperatorCall) => Generator<undefined, readonly Value[]>;

/** @throws UnexplainableError where it is left out */
export function inputOf({ node, inputs }: OperatorCall, index: number): Value {
  const input = inputs[index];
  if (input) return input;
  throw new UnexplainableError(`the model's operator ${node.operator} lacks input ${index}`);
}

export function numberAttribute(node: GraphNode, name: string, otherwise: number): number {
  const value = node.attributes.get(name);
  return typeof value === "number" ? value : otherwise;
}

export function textAttribute(node: GraphNode, name: string, otherwise: string): string {
  const value = node.attributes.get(name);
  return typeof value === "string" ? value : otherwise;
}

export function listAttribute(node: GraphNode, name: string): NumberList | undefined {
  const value = node.attributes.get(name);
  return isNumberList(value) ? value : undefined;
}

export function textsAttribute(node: GraphNode, name: string): readonly string[] | undefined {
  const value = node.attributes.get(name);
  return value instanceof TextList && value.length > 0 ? value.toArray() : undefined;
}

export function tensorAttribute(node: GraphNode, name: string): GraphTensor | undefined {
  const value = node.attributes.get(name);
  return isTensor(value) ? value : undefined;
}
