import type { OnnxNode, OnnxOutline } from "./onnx-outline.ts";

/** Where GroupQueryAttention reads and writes keys and values, by the positions of inputs and outputs. */
const KEY = { past: 3, present: 1 };
const VALUE = { past: 4, present: 2 };
const OPERATOR = "GroupQueryAttention";

/** A tensor of keys or values that an attention may read and write where it is. */
export interface AttentionCache {
  readonly past: string;
  readonly present: string;
}

/**
 * The inputs that nothing but the cache of one GroupQueryAttention reads, with the outputs that it writes: their length tells nothing, because
 * the operator gets the number of tokens by itself
 * (https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.GroupQueryAttention).
 */
export function findAttentionCaches({ nodes, inputs, outputs }: OnnxOutline): AttentionCache[] {
  const names = new Set(inputs.map(({ name }) => name));
  const returned = new Set(outputs.map(({ name }) => name));
  const isReadOnce = (past: string): boolean =>
    nodes.reduce((count, node) => count + countOf(node, past), 0) === 1;
  return nodes
    .filter(({ operator }) => operator === OPERATOR)
    .flatMap((node) =>
      [KEY, VALUE].map((places) => ({
        past: node.inputs[places.past] ?? "",
        present: node.outputs[places.present] ?? "",
      })),
    )
    .filter(({ past, present }) => names.has(past) && returned.has(present) && isReadOnce(past));
}

function countOf({ inputs }: OnnxNode, name: string): number {
  return inputs.filter((input) => input === name).length;
}
