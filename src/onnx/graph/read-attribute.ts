import { readFields } from "../node-reader.ts";
import { ATTRIBUTE, TENSOR } from "../onnx-rules.ts";
import { OnnxError } from "../onnx-scanner.ts";
import { VARINT } from "../wire-format.ts";
import type { Attribute, GraphTensor } from "./onnx-graph.ts";
import { FloatBuilder, IntegerBuilder, TextBuilder, toText } from "./read-lists.ts";

/** Fields of AttributeProto beside those in {@link ATTRIBUTE}. */
const FLOAT = 2;
const INT = 3;
const TEXT = 4;
const FLOATS = 7;
const TYPE = 20;
/** Fields of TensorProto beside those in {@link TENSOR}. */
const FLOAT_DATA = 4;
const INT32_DATA = 5;
const DOUBLE_DATA = 10;
const UINT64_DATA = 11;

/** Fields that are read between two pauses: elements of lists that are not packed. */
const FIELDS_PER_STEP = 32_768;

/** `AttributeProto.AttributeType` of lists, which may be empty. */
const EMPTY: Readonly<Record<number, () => Attribute>> = {
  6: () => new Float32Array(),
  7: () => new Int32Array(),
  8: () => new TextBuilder().finish(),
};

/**
 * Reads an AttributeProto.
 * @returns in steps: yields every few milliseconds of work
 * @throws OnnxError for an attribute without a name
 */
export function* readAttribute(bytes: Uint8Array): Generator<undefined, [string, Attribute]> {
  let name: string | undefined;
  let type = 0;
  let single: Attribute;
  const integers = new IntegerBuilder();
  const floats = new FloatBuilder();
  const texts = new TextBuilder();
  let found: "integers" | "floats" | "texts" | undefined;
  let count = 0;
  for (const field of readFields(bytes)) {
    switch (field.field) {
      case ATTRIBUTE.name:
        name = toText(field.bytes);
        break;
      case TYPE:
        type = field.number;
        break;
      case FLOAT:
        single = toFloat(field.bytes);
        break;
      case INT:
        single = field.number;
        break;
      case TEXT:
        single = toText(field.bytes);
        break;
      case ATTRIBUTE.tensor:
        single = yield* readTensor(field.bytes);
        break;
      case ATTRIBUTE.ints:
        found = "integers";
        if (field.wireType === VARINT) integers.push(field.number);
        else yield* integers.pushPacked(field.bytes);
        break;
      case FLOATS:
        found = "floats";
        floats.pushBytes(field.bytes);
        break;
      case ATTRIBUTE.strings:
        found = "texts";
        texts.push(field.bytes);
        break;
      default:
        break;
    }
    if (++count % FIELDS_PER_STEP === 0) yield;
  }
  if (name === undefined)
    throw new OnnxError("the file is not a valid ONNX model: an attribute of it has no name");
  if (found === "integers") return [name, integers.finish()];
  if (found === "floats") return [name, floats.finish()];
  if (found === "texts") return [name, texts.finish()];
  return [name, single ?? EMPTY[type]?.()];
}

/** Reads a TensorProto. Its raw data are not copied. @returns in steps */
export function* readTensor(
  bytes: Uint8Array,
): Generator<undefined, GraphTensor & { readonly name: string }> {
  let name = "";
  let elementType = 0;
  let raw: Uint8Array | undefined;
  const shape = new IntegerBuilder();
  const integers = new IntegerBuilder();
  const texts = new TextBuilder();
  let floats: FloatBuilder | undefined;
  let count = 0;
  for (const field of readFields(bytes)) {
    const { field: id, wireType, number } = field;
    if (id === TENSOR.dims) {
      if (wireType === VARINT) shape.push(number);
      else yield* shape.pushPacked(field.bytes);
    } else if (id === TENSOR.dataType) elementType = number;
    else if (id === TENSOR.name) name = toText(field.bytes);
    else if (id === TENSOR.rawData) raw = field.bytes;
    else if (id === TENSOR.stringData) texts.push(field.bytes);
    else if (id === FLOAT_DATA || id === DOUBLE_DATA) {
      floats ??= new FloatBuilder(id === DOUBLE_DATA);
      floats.pushBytes(field.bytes);
    } else if (id === INT32_DATA || id === TENSOR.int64Data || id === UINT64_DATA) {
      if (wireType === VARINT) integers.push(number);
      else yield* integers.pushPacked(field.bytes);
    } else if (id === TENSOR.dataLocation && number !== 0)
      throw new OnnxError(`its tensor ${JSON.stringify(name)} is in another file`);
    if (++count % FIELDS_PER_STEP === 0) yield;
  }
  return {
    name,
    elementType,
    shape: [...shape.finish()],
    ...(raw ? { raw } : { numbers: floats?.finish() ?? integers.finish() }),
    texts: texts.finish(),
  };
}

function toFloat(bytes: Uint8Array): number {
  if (bytes.byteLength < 4)
    throw new OnnxError("the file is not a valid ONNX model: a number of it is not complete");
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getFloat32(0, true);
}
