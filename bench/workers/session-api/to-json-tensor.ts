import type { Tensor } from "onnxruntime-web/wasm";
import type { JsonTensor } from "../../tensor-json.ts";

const DATATYPES: Readonly<Record<string, string>> = { float32: "FP32", int64: "INT64" };

/** An output of the package's API in the protocol's form; INT64 here holds class numbers only. */
export function toJsonTensor(name: string, { type, dims, data }: Tensor): JsonTensor {
  const datatype = DATATYPES[type];
  if (!datatype) throw new Error(`output ${name} is ${type}, which has no name here`);
  return {
    name,
    datatype,
    shape: dims,
    data: Array.from(data as ArrayLike<number | bigint>, Number),
  };
}
