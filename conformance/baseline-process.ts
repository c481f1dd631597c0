import { env, InferenceSession, Tensor as OrtTensor } from "onnxruntime-web/wasm";
import { isDatatype, NUMERIC_DATATYPES } from "../src/domain/datatype.ts";
import { type Tensor, toBytes, toTypedArray } from "../src/domain/tensor.ts";
import type { BaselineTask } from "./baseline.ts";
import type { EngineResult } from "./outcome.ts";

// The program behind baseline.ts: runs the public API of ONNX Runtime Web in a separate process.
env.wasm.numThreads = 1;
env.logLevel = "fatal";

process.on("message", (task: BaselineTask) => {
  void run(task).then((result) => process.send?.(result));
});

async function run({ model, dataSets, outputNames }: BaselineTask): Promise<EngineResult> {
  let session: InferenceSession;
  try {
    session = await InferenceSession.create(model, { logSeverityLevel: 4 });
  } catch (error) {
    return toFailure(error, "model_refused");
  }
  try {
    const outputs: Tensor[][] = [];
    for (const inputs of dataSets) {
      const feeds = Object.fromEntries(inputs.map((input) => [input.name, toOrtTensor(input)]));
      const values = await session.run(feeds);
      outputs.push(outputNames.map((name) => fromOrtTensor(name, values[name])));
    }
    await session.release();
    return { outputs };
  } catch (error) {
    return toFailure(error, "input_refused");
  }
}

/** Errors reported by ONNX Runtime contain an error code; after any other the engine's state is undefined. */
function toFailure(error: unknown, reason: "model_refused" | "input_refused"): EngineResult {
  const detail = error instanceof Error ? error.message : `exception ${String(error)}`;
  return { reason: detail.includes("ERROR_CODE") ? reason : "crashed", detail };
}

/** The names of the protocol's datatypes in ONNX Runtime Web. */
const ORT_TYPES = {
  BOOL: "bool",
  UINT8: "uint8",
  UINT16: "uint16",
  UINT32: "uint32",
  UINT64: "uint64",
  INT8: "int8",
  INT16: "int16",
  INT32: "int32",
  INT64: "int64",
  FP16: "float16",
  FP32: "float32",
  FP64: "float64",
  BYTES: "string",
} as const;

function toOrtTensor(tensor: Tensor): OrtTensor {
  const { datatype, shape } = tensor;
  if (datatype === "BYTES") return new OrtTensor("string", [...tensor.data], shape);
  // The overloads require each datatype with its array type; the table pairs them.
  const data = toTypedArray(tensor) as Float32Array;
  return new OrtTensor(ORT_TYPES[datatype] as "float32", data, shape);
}

function fromOrtTensor(name: string, tensor: OrtTensor | undefined): Tensor {
  if (!tensor) throw new Error(`no output "${name}"`);
  const datatype = Object.entries(ORT_TYPES).find(([, type]) => type === tensor.type)?.[0];
  if (!isDatatype(datatype)) throw new Error(`output "${name}" is ${tensor.type}`);
  const shape = [...tensor.dims];
  if (datatype === "BYTES") return { name, datatype, shape, data: tensor.data as string[] };
  const bytes = toBytes(tensor.data as Float32Array);
  const { elementBytes } = NUMERIC_DATATYPES[datatype];
  if (bytes.byteLength !== tensor.size * elementBytes)
    throw new Error(`output "${name}" has ${bytes.byteLength} bytes for ${tensor.size} elements`);
  return { name, datatype, shape, data: bytes };
}
