import type { Tensor } from "onnxruntime-web/wasm";
import type { JsonTensor } from "../../tensor-json.ts";

const DATATYPES: Readonly<Record<string, string>> = { float32: "FP32", int64: "INT64" };

/** Converts an output of the package's API to the protocol's JSON form. INT64 outputs are class indices here. */
export function toJsonTensor(name: string, { type, dims, data }: Tensor): JsonTensor {
  const datatype = DATATYPES[type];
  if (!datatype) throw new Error(`output ${name} must be float32 or int64; got ${type}`);
  return {
    name,
    datatype,
    shape: dims,
    data: Array.from(data as ArrayLike<number | bigint>, Number),
  };
}
