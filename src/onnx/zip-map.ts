import { concatenateBytes } from "../shared/bytes.ts";
import type { Edit } from "./edit.ts";
import { labelsOfNode } from "./node-labels.ts";
import type { OnnxNode, OnnxOutline, OnnxValue } from "./onnx-outline.ts";
import {
  DIMENSION,
  ML_DOMAIN,
  MODEL,
  NODE,
  OPSET,
  SHAPE,
  TENSOR_TYPE,
  TYPE,
  VALUE_INFO,
} from "./onnx-rules.ts";
import { encodeField, encodeNumberField } from "./wire-format.ts";

/**
 * The tensors that `ZipMap` at the end of a graph makes maps of, as scikit-learn's, LightGBM's and CatBoost's exporters do
 * (https://github.com/onnx/onnx/blob/main/docs/Operators-ml.md#ai.onnx.ml.ZipMap).
 */

const FLOAT = 1;
/** Imported where the file has no operators of ONNX's own domain; the first whose models the engine guarantees. */
const OWN_OPSET = 7;

/** A `ZipMap` whose maps are an output of the graph. */
export interface FinalZipMap {
  readonly node: OnnxNode;
  readonly output: string;
  /** Classes, in the order of the tensor's columns. */
  readonly labels: readonly string[];
}

export function findFinalZipMaps({ nodes, outputs }: OnnxOutline): FinalZipMap[] {
  const names = new Set(outputs.map(({ name }) => name));
  return nodes
    .filter(({ operator, domain }) => operator === "ZipMap" && domain === ML_DOMAIN)
    .flatMap((node) => {
      const [output = ""] = node.outputs;
      return names.has(output) ? [{ node, output, labels: labelsOfNode(node) ?? [] }] : [];
    });
}

/** The edits after which the outputs are the tensors, FP32 of shape [?, classes], by the names that they have. */
export function replaceZipMaps(outline: OnnxOutline, zipMaps: readonly FinalZipMap[]): Edit[] {
  if (zipMaps.length === 0) return [];
  const { graph, outputs, values } = outline;
  const edits: Edit[] = zipMaps.map(({ node }) => ({
    ...contentOf(node.message),
    pieces: [encodeIdentity(node)],
  }));
  for (const value of outputs) {
    const zipMap = zipMaps.find(({ output }) => output === value.name);
    if (zipMap)
      edits.push({
        ...contentOf(value.message),
        pieces: [encodeMatrixValue(value, zipMap.labels.length)],
      });
  }
  // What inner values were declared as is no more true of maps; the engine infers their types.
  for (const { message } of values)
    edits.push({ message: graph, start: message.tagStart, end: message.end, pieces: [] });
  edits.push(...importOwnDomain(outline));
  return edits;
}

/** Imports ONNX's own domain, which a file with no other operators than those of ai.onnx.ml need not do. */
export function importOwnDomain({ file, domains }: OnnxOutline): Edit[] {
  if (domains.has("")) return [];
  const opset = encodeField(MODEL.opsetImport, encodeNumberField(OPSET.version, OWN_OPSET));
  return [{ message: file, start: file.end, end: file.end, pieces: [opset] }];
}

export function contentOf(message: OnnxNode["message"]): Pick<Edit, "message" | "start" | "end"> {
  return { message, start: message.start, end: message.end };
}

function encodeIdentity({ inputs, outputs, message }: OnnxNode): Uint8Array {
  const name = message.text(NODE.name);
  return concatenateBytes([
    ...inputs.slice(0, 1).map((input) => encodeField(NODE.input, input)),
    ...outputs.slice(0, 1).map((output) => encodeField(NODE.output, output)),
    ...(name === undefined ? [] : [encodeField(NODE.name, name)]),
    encodeField(NODE.opType, "Identity"),
  ]);
}

/**
 * A value of FP32 of shape [?, columns], the bytes of a ValueInfoProto.
 * @param columns 0 when that is not known
 */
export function encodeMatrixValue({ name }: OnnxValue, columns: number): Uint8Array {
  const rows = encodeField(SHAPE.dimension, []);
  const classes =
    columns === 0 ? rows : encodeField(SHAPE.dimension, encodeNumberField(DIMENSION.size, columns));
  return concatenateBytes([
    encodeField(VALUE_INFO.name, name),
    encodeField(
      VALUE_INFO.type,
      encodeField(TYPE.tensor, [
        encodeNumberField(TENSOR_TYPE.elementType, FLOAT),
        encodeField(TENSOR_TYPE.shape, [rows, classes]),
      ]),
    ),
  ]);
}
