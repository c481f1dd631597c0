import { readFileSync } from "node:fs";
import { projectPath } from "../scripts/project.ts";
import type { JsonTensor } from "./tensor-json.ts";

/** Inputs of a model for one row, with the outputs of an independent engine. */
export interface Sample {
  readonly inputs: readonly JsonTensor[];
  readonly outputs: readonly JsonTensor[];
  /** Largest absolute difference between ONNX Runtime Web and the independent engine, by output. */
  readonly tolerance: Readonly<Record<string, number>>;
}

/** A fixture stores images as base64. */
type StoredTensor = JsonTensor | (Omit<JsonTensor, "data"> & { readonly dataBase64: string });

/** The first row of the test fixture's batch. */
export function readSample(model: string): Sample {
  const file = projectPath("test", "fixtures", "expected", `${model}.json`);
  const batch: Sample & { inputs: readonly StoredTensor[] } = JSON.parse(
    readFileSync(file, "utf8"),
  );
  return {
    inputs: batch.inputs.map(withData).map(firstRow),
    outputs: batch.outputs.map(firstRow),
    tolerance: batch.tolerance,
  };
}

function withData(tensor: StoredTensor): JsonTensor {
  if (!("dataBase64" in tensor)) return tensor;
  const { dataBase64, ...rest } = tensor;
  if (rest.datatype !== "UINT8")
    throw new Error(`dataBase64 of ${rest.name} must be UINT8; got ${rest.datatype}`);
  return { ...rest, data: [...Buffer.from(dataBase64, "base64")] };
}

function firstRow(tensor: JsonTensor): JsonTensor {
  const shape = [1, ...tensor.shape.slice(1)];
  const elements = shape.reduce((product, size) => product * size, 1);
  return { ...tensor, shape, data: tensor.data.slice(0, elements) };
}
