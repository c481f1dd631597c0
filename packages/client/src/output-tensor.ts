import { type Datatype, isDatatype } from "../../../src/domain/datatype.ts";
import { parseShape } from "../../../src/domain/shape.ts";
import { type Tensor, toTypedArray } from "../../../src/domain/tensor.ts";
import { fromTensorBytes } from "../../../src/domain/tensor-bytes.ts";
import { fromJsonData } from "../../../src/domain/tensor-json.ts";
import { fromHalfBits } from "./half-float.ts";
import type { OutputTensor } from "./tensor-types.ts";

/** An output of the response's JSON; its data may follow the JSON. */
export interface OutputJson {
  readonly name?: unknown;
  readonly datatype?: unknown;
  readonly shape?: unknown;
  readonly data?: unknown;
  readonly parameters?: { readonly binary_data_size?: unknown };
}

/**
 * @param bytes of the output, when its data is not in the JSON
 * @throws Error that names what is invalid
 */
export function toOutputTensor(output: OutputJson, bytes: Uint8Array | undefined): OutputTensor {
  const { name, datatype } = output;
  if (typeof name !== "string") throw new Error("an output has no name");
  if (!isDatatype(datatype)) throw new Error(`output "${name}" has the datatype ${datatype}`);
  try {
    const shape = parseShape(name, output.shape);
    const data = bytes
      ? readBytes(name, datatype, shape, bytes)
      : readJson(name, datatype, shape, output.data);
    return { name, datatype, shape, data } as OutputTensor;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replace(/^Input ".*?": |\.$/g, "") : cause;
    throw new Error(`output "${name}": ${why}`, { cause });
  }
}

function readBytes(
  name: string,
  datatype: Datatype,
  shape: readonly number[],
  bytes: Uint8Array,
): unknown {
  if (datatype !== "FP16" || globalThis.Float16Array)
    return toData(fromTensorBytes({ name, datatype }, shape, bytes));
  const halves = fromTensorBytes({ name, datatype: "UINT16" }, shape, bytes);
  return Float32Array.from(toData(halves) as Uint16Array, fromHalfBits);
}

const INTEGER = /^-?\d+$/;

function readJson(
  name: string,
  datatype: Datatype,
  shape: readonly number[],
  data: unknown,
): unknown {
  if (!datatype.startsWith("FP")) return toData(fromJsonData(name, datatype, shape, data));
  // A long integer is a string of its digits here, see parseExactJson.
  const toNumber = (value: unknown): unknown =>
    typeof value === "string" && INTEGER.test(value) ? Number(value) : value;
  const isPlain = !Array.isArray(data) || data.every((value) => typeof value === "number");
  const values = isPlain ? data : data.flat(Number.POSITIVE_INFINITY).map(toNumber);
  const stored = datatype === "FP16" && !globalThis.Float16Array ? "FP32" : datatype;
  return toData(fromJsonData(name, stored, shape, values));
}

/** A typed array is a view of the response's bytes where they are aligned for it. */
function toData(tensor: Tensor): unknown {
  return tensor.datatype === "BYTES" ? tensor.data : toTypedArray(tensor);
}
