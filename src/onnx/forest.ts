import { type RawField, readFields, readFloats, readIntegers } from "./node-reader.ts";
import { ATTRIBUTE, NODE } from "./onnx-rules.ts";
import { OnnxError } from "./onnx-scanner.ts";
import { decodeText } from "./text.ts";

/**
 * The trees of a `TreeEnsembleRegressor`, as its attributes list them.
 * Source: https://github.com/onnx/onnx/blob/main/docs/Operators-ml.md#ai.onnx.ml.TreeEnsembleRegressor
 */
export interface Forest {
  readonly name: string | undefined;
  readonly input: string;
  readonly output: string;
  readonly targets: number;
  readonly aggregate: string;
  readonly transform: string;
  readonly treeIds: readonly number[];
  readonly nodeIds: readonly number[];
  readonly features: readonly number[];
  readonly modes: readonly string[];
  readonly splits: readonly number[];
  readonly trueIds: readonly number[];
  readonly falseIds: readonly number[];
  /** Empty where no missing value follows the true branch. */
  readonly missingTrue: readonly number[];
  readonly weightTreeIds: readonly number[];
  readonly weightNodeIds: readonly number[];
  readonly weightTargets: readonly number[];
  readonly weights: readonly number[];
  /** What is added to the targets in the end; empty where that is nothing. */
  readonly baseValues: readonly number[];
}

/** Fields of AttributeProto beside those in {@link ATTRIBUTE}. */
const FLOAT = 2;
const INT = 3;
const TEXT = 4;
const FLOATS = 7;

/** Attributes that are read; hit rates are statistics. Any other one makes the forest stay as it is. */
const KNOWN: ReadonlySet<string> = new Set([
  "aggregate_function",
  "base_values",
  "n_targets",
  "nodes_falsenodeids",
  "nodes_featureids",
  "nodes_hitrates",
  "nodes_missing_value_tracks_true",
  "nodes_modes",
  "nodes_nodeids",
  "nodes_treeids",
  "nodes_truenodeids",
  "nodes_values",
  "post_transform",
  "target_ids",
  "target_nodeids",
  "target_treeids",
  "target_weights",
]);

/**
 * @param node the bytes of a NodeProto
 * @returns `undefined` for a node with attributes that are not known here, such as weights of FP64
 * @throws OnnxError
 */
export function readForest(node: Uint8Array): Forest | undefined {
  const inputs: string[] = [];
  const outputs: string[] = [];
  let name: string | undefined;
  const attributes = new Map<string, Attribute>();
  for (const field of readFields(node)) {
    if (field.field === NODE.input) inputs.push(textOf(field.bytes));
    else if (field.field === NODE.output) outputs.push(textOf(field.bytes));
    else if (field.field === NODE.name) name = textOf(field.bytes);
    else if (field.field === NODE.attribute) {
      const attribute = readAttribute(field);
      attributes.set(attribute.name, attribute);
    }
  }
  const [input, output] = [inputs[0], outputs[0]];
  if (input === undefined || output === undefined || inputs.length + outputs.length > 2)
    return undefined;
  if ([...attributes.keys()].some((key) => !KNOWN.has(key))) return undefined;
  const numbers = (key: string): readonly number[] => attributes.get(key)?.numbers ?? [];
  const text = (key: string): string | undefined => attributes.get(key)?.texts[0];
  const missingTrue = numbers("nodes_missing_value_tracks_true");
  const baseValues = numbers("base_values");
  return {
    name,
    input,
    output,
    targets: numbers("n_targets")[0] ?? 1,
    aggregate: text("aggregate_function") ?? "SUM",
    transform: text("post_transform") ?? "NONE",
    treeIds: numbers("nodes_treeids"),
    nodeIds: numbers("nodes_nodeids"),
    features: numbers("nodes_featureids"),
    modes: attributes.get("nodes_modes")?.texts ?? [],
    splits: numbers("nodes_values"),
    trueIds: numbers("nodes_truenodeids"),
    falseIds: numbers("nodes_falsenodeids"),
    missingTrue: missingTrue.some((value) => value !== 0) ? missingTrue : [],
    weightTreeIds: numbers("target_treeids"),
    weightNodeIds: numbers("target_nodeids"),
    weightTargets: numbers("target_ids"),
    weights: numbers("target_weights"),
    baseValues: baseValues.some((value) => value !== 0) ? baseValues : [],
  };
}

interface Attribute {
  readonly name: string;
  readonly numbers: readonly number[];
  readonly texts: readonly string[];
}

/** @throws OnnxError for an attribute without a name */
function readAttribute({ bytes }: RawField): Attribute {
  let name: string | undefined;
  const numbers: number[] = [];
  const texts: string[] = [];
  /** One object for each text that occurs: modes are repeated for each node. */
  const known = new Map<string, string>();
  for (const field of readFields(bytes)) {
    switch (field.field) {
      case ATTRIBUTE.name:
        name = textOf(field.bytes);
        break;
      case INT:
      case ATTRIBUTE.ints:
        for (const number of readIntegers(field)) numbers.push(number);
        break;
      case FLOAT:
      case FLOATS:
        for (const number of readFloats(field)) numbers.push(number);
        break;
      case TEXT:
      case ATTRIBUTE.strings: {
        const text = textOf(field.bytes);
        texts.push(known.get(text) ?? text);
        if (known.size < 100) known.set(text, text);
        break;
      }
      default:
        break;
    }
  }
  if (name === undefined)
    throw new OnnxError("the file is not a valid ONNX model: an attribute of it has no name");
  return { name, numbers, texts };
}

/** @throws OnnxError for bytes that are not UTF-8 */
function textOf(bytes: Uint8Array): string {
  const text = decodeText(bytes);
  if (text !== undefined) return text;
  throw new OnnxError("the file is not a valid ONNX model: a text in a node is not UTF-8");
}
