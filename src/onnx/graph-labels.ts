import { constantTexts, labelsOfNode, mappingOf, tensorTexts } from "./node-labels.ts";
import type { OnnxNode, OnnxOutline } from "./onnx-outline.ts";
import { PASSING_OPERATORS } from "./onnx-rules.ts";
import type { FinalZipMap } from "./zip-map.ts";

/**
 * The labels of a classifier, in the order of its scores: those of a `ZipMap` at the end, else those of the nodes that
 * compute the graph's outputs: a `LabelEncoder` of classes, a classifier of ai.onnx.ml, or a list of texts from which a
 * class is taken.
 * @returns `undefined` for a model without labels, or with several lists that differ
 */
export function findLabels(
  outline: OnnxOutline,
  zipMaps: readonly FinalZipMap[],
): readonly string[] | undefined {
  const ofZipMaps = onlyList(
    zipMaps.map(({ labels }) => labels).filter(({ length }) => length > 0),
  );
  if (ofZipMaps || zipMaps.length > 0) return ofZipMaps;
  const byOutput = new Map(
    outline.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)),
  );
  const decoded: (readonly string[])[] = [];
  const plain: (readonly string[])[] = [];
  // Nodes are looked at once, however many outputs they compute.
  const seen = new Set<OnnxNode>();
  for (const { name } of outline.outputs) {
    const source = skipPassing(byOutput, name, seen);
    if (!source || seen.has(source)) continue;
    seen.add(source);
    const labels = decodedLabels(outline, byOutput, source);
    if (labels) decoded.push(labels);
    else plain.push(...(toArray(labelsOfNode(source)) ?? []));
  }
  return decoded.length > 0 ? onlyList(decoded) : onlyList(plain);
}

/** Labels that a node makes of indices or of classes. */
function decodedLabels(
  { initializers }: OnnxOutline,
  byOutput: ReadonlyMap<string, OnnxNode>,
  node: OnnxNode,
): readonly string[] | undefined {
  const [first = "", second = ""] = node.inputs;
  if (node.operator === "LabelEncoder") {
    const mapping = mappingOf(node);
    const source = skipPassing(byOutput, first);
    const classes = (source && labelsOfNode(source)) ?? indices(mapping);
    const labels = classes?.flatMap((key) => mapping?.get(key) ?? []);
    return labels?.length === classes?.length ? labels : undefined;
  }
  if (node.operator === "ArrayFeatureExtractor" || node.operator === "Gather") {
    if (skipPassing(byOutput, second)?.operator !== "ArgMax") return undefined;
    const constant = byOutput.get(first);
    return tensorTexts(initializers.get(first)) ?? (constant && constantTexts(constant));
  }
  return undefined;
}

/** The keys of a mapping in ascending order, if they are all integers from 0 on. */
function indices(mapping: ReadonlyMap<string, string> | undefined): string[] | undefined {
  return mapping && Array.from({ length: mapping.size }, (_, index) => `${index}`);
}

/** @param seen nodes that need not be followed again; gets those that were followed */
function skipPassing(
  byOutput: ReadonlyMap<string, OnnxNode>,
  name: string,
  seen = new Set<OnnxNode>(),
): OnnxNode | undefined {
  let node = byOutput.get(name);
  while (node && PASSING_OPERATORS.has(node.operator) && !seen.has(node)) {
    seen.add(node);
    node = byOutput.get(node.inputs[0] ?? "");
  }
  return node;
}

function toArray<T>(value: T | undefined): [T] | undefined {
  return value === undefined ? undefined : [value];
}

/** The list that all are. */
function onlyList(lists: readonly (readonly string[])[]): readonly string[] | undefined {
  const [first, ...others] = lists;
  return others.every(
    (list) => list.length === first?.length && list.every((label, i) => label === first[i]),
  )
    ? first
    : undefined;
}
