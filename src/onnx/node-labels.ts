import type { Message } from "./message.ts";
import { findAttribute, type OnnxNode } from "./onnx-outline.ts";
import { ATTRIBUTE, MAX_LABELS, TENSOR } from "./onnx-rules.ts";

/** Lists of classes, by the attributes of `ZipMap` and of the classifiers of ai.onnx.ml. */
const CLASS_LISTS = ["classlabels_strings", "classlabels_int64s", "classlabels_ints"];

/** The classes of a node, in the order of its scores; `undefined` when it has none. */
export function labelsOfNode(node: OnnxNode): readonly string[] | undefined {
  for (const name of CLASS_LISTS) {
    const labels = listOf(findAttribute(node, name));
    if (labels) return labels;
  }
  return undefined;
}

/**
 * What a `LabelEncoder` makes of integers.
 * @returns `undefined` for one that encodes something else, or as something else
 */
export function mappingOf(node: OnnxNode): ReadonlyMap<string, string> | undefined {
  // Version 1 of the operator has one list, whose indices are the integers.
  const classes = listOf(findAttribute(node, "classes_strings"));
  if (classes) return new Map(classes.map((label, index) => [`${index}`, label]));
  const keys = listOf(findAttribute(node, "keys_int64s") ?? findAttribute(node, "keys_tensor"));
  const values = listOf(
    findAttribute(node, "values_strings") ?? findAttribute(node, "values_tensor"),
  );
  if (!keys || keys.length !== values?.length) return undefined;
  return new Map(keys.map((key, index) => [key, values[index] as string]));
}

/** The strings of a `Constant`. */
export function constantTexts(node: OnnxNode): readonly string[] | undefined {
  return listOf(findAttribute(node, "value_strings") ?? findAttribute(node, "value"));
}

/** The strings of a tensor; `undefined` when it has none. */
export function tensorTexts(tensor: Message | undefined): readonly string[] | undefined {
  return toList(tensor?.texts(TENSOR.stringData) ?? []);
}

/** The strings or integers of an attribute. */
function listOf(attribute: Message | undefined): readonly string[] | undefined {
  if (!attribute) return undefined;
  const tensor = attribute.message(ATTRIBUTE.tensor);
  const numbers = [...attribute.numbers(ATTRIBUTE.ints), ...tensorIntegers(tensor)];
  return (
    toList(attribute.texts(ATTRIBUTE.strings)) ?? tensorTexts(tensor) ?? toList(numbers.map(String))
  );
}

/** The 64-bit integers of a tensor, in either of its encodings. */
function tensorIntegers(tensor: Message | undefined): readonly bigint[] {
  const bytes = tensor?.bytes(TENSOR.rawData);
  if (!tensor || !bytes) return tensor?.numbers(TENSOR.int64Data) ?? [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.byteLength / 8) }, (_, index) =>
    view.getBigInt64(index * 8, true),
  );
}

/** A list at the limit may have been cut. */
function toList(texts: readonly string[]): readonly string[] | undefined {
  return texts.length > 0 && texts.length < MAX_LABELS ? texts : undefined;
}
