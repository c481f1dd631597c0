import type { Manifest } from "../../domain/manifest.ts";
import type { TensorSpec } from "../../domain/tensor.ts";

/** Triton's names of the supported extensions of the protocol. */
const EXTENSIONS = [
  "binary_tensor_data",
  "classification",
  "model_configuration",
  "model_repository",
  "model_repository(unload_dependents)",
  "schedule_policy",
  "statistics",
];

/** "Server Metadata Response JSON Object". */
export function toServerMetadata(version: string): object {
  return { name: "onnxflare", version, extensions: EXTENSIONS };
}

/**
 * "Model Metadata Response JSON Object". Dynamic dimensions are -1; their names are parameters, and so is that an input is
 * optional.
 */
export function toModelMetadata(manifest: Manifest, versions: readonly string[]): object {
  return {
    name: manifest.name,
    versions: [...versions].reverse(),
    platform: "onnxruntime_onnx",
    inputs: manifest.inputs.map(toTensorMetadata),
    outputs: manifest.outputs.map(toTensorMetadata),
  };
}

function toTensorMetadata({ name, datatype, shape, optional }: TensorSpec): object {
  const parameters = [
    ...shape.flatMap((dimension, axis) =>
      typeof dimension === "string" ? [[`dimension_${axis}`, dimension]] : [],
    ),
    ...(optional ? [["optional", true]] : []),
  ];
  return {
    name,
    datatype,
    shape: shape.map((dimension) => (typeof dimension === "string" ? -1 : dimension)),
    ...(parameters.length > 0 ? { parameters: Object.fromEntries(parameters) } : {}),
  };
}
