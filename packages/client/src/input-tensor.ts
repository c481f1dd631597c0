import { type Datatype, isDatatype, NUMERIC_DATATYPES } from "../../../src/domain/datatype.ts";
import { ApiError } from "../../../src/domain/errors.ts";
import { parseShape } from "../../../src/domain/shape.ts";
import { type Tensor, toBytes } from "../../../src/domain/tensor.ts";
import { describe, fromJsonData } from "../../../src/domain/tensor-json.ts";
import {
  arrayName,
  datatypeOf,
  fromTypedArray,
  isStoredAs,
  valueShape,
} from "../../../src/domain/tensor-values.ts";
import { toHalfBits } from "./half-float.ts";
import { OnnxflareError } from "./onnxflare-error.ts";
import type { InferInputs, InputTensor, InputValue, TensorData } from "./tensor-types.ts";

/**
 * The tensors to send, checked before anything is sent.
 * @throws OnnxflareError with the code that the server would use, and without a status
 */
export function toInputTensors(inputs: InferInputs): Tensor[] {
  try {
    return namedInputs(inputs).map(toTensor);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { code, message, details } = error;
    throw new OnnxflareError(code, message, { details });
  }
}

function namedInputs(inputs: InferInputs): readonly InputTensor[] {
  if (isList(inputs)) return inputs;
  return Object.entries(inputs).map(([name, value]) =>
    isData(value) ? { name, data: value } : { ...value, name },
  );
}

function isList(inputs: InferInputs): inputs is readonly InputTensor[] {
  return Array.isArray(inputs);
}

function isData(value: TensorData | InputValue): value is TensorData {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}

function toTensor({ name, data, shape: given, datatype: declared }: InputTensor): Tensor {
  if (!isData(data))
    throw new ApiError(
      "invalid_input",
      `Input "${name}": data must be an array or a typed array; got ${describe(data)}.`,
    );
  const datatype = declared ?? inferDatatype(name, data);
  if (!isDatatype(datatype))
    throw new ApiError("invalid_datatype", `Input "${name}": unknown datatype ${datatype}.`);
  const shape = parseShape(name, given ?? valueShape(name, data));
  if (ArrayBuffer.isView(data) && isStoredAs(datatype, data))
    return fromTypedArray(name, datatype, shape, data);
  const values = ArrayBuffer.isView(data) ? Array.from<unknown>(data) : data;
  return fromValues(name, datatype, shape, values);
}

function inferDatatype(name: string, data: TensorData): Datatype {
  if (ArrayBuffer.isView(data)) {
    const datatype = datatypeOf(data);
    if (datatype) return datatype;
  } else {
    let leaf: unknown = data;
    while (Array.isArray(leaf)) leaf = leaf[0];
    if (typeof leaf === "boolean") return "BOOL";
    if (typeof leaf === "string") return "BYTES";
  }
  const what = ArrayBuffer.isView(data) ? arrayName(data) : "plain numbers";
  throw new ApiError(
    "invalid_datatype",
    `Input "${name}": the datatype of ${what} is ambiguous; set "datatype", or send a typed array.`,
  );
}

function fromValues(
  name: string,
  datatype: Datatype,
  shape: readonly number[],
  data: readonly unknown[],
): Tensor {
  const spelled = spell(data, datatype);
  if (datatype !== "FP16" || globalThis.Float16Array)
    return fromJsonData(name, datatype, shape, spelled);
  // Checked as doubles; those out of the range of a half are refused, as where Float16Array exists.
  const checked = fromJsonData(name, "FP64", shape, spelled) as { data: Uint8Array };
  const values = new Float64Array(checked.data.buffer);
  const { min, max } = NUMERIC_DATATYPES.FP16;
  const index = values.findIndex(
    (value) => Number.isFinite(value) && !(value > min && value < max),
  );
  if (index >= 0)
    throw new ApiError(
      "value_out_of_range",
      `Input "${name}": element ${index} of its FP16 data must be a number between ${min} and ${max}; got ${values[index]}.`,
    );
  return { name, datatype, shape, data: toBytes(Uint16Array.from(values, toHalfBits)) };
}

/** NaN and the infinities as their names, and bigints of floats and of 32 bits and less as numbers, as JSON has them. */
function spell(data: readonly unknown[], datatype: Datatype): unknown[] {
  const isBig = datatype === "INT64" || datatype === "UINT64";
  const isFloat = datatype.startsWith("FP");
  return data.map((value) => {
    if (Array.isArray(value)) return spell(value, datatype);
    if (typeof value === "number" && !Number.isFinite(value)) return String(value);
    if (typeof value !== "bigint" || isBig) return value;
    const number = Number(value);
    // A larger one is out of range, and the message quotes it as it is.
    return isFloat || Number.isSafeInteger(number) ? number : value;
  });
}
