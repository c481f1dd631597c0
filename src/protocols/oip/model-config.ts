import type { Datatype } from "../../domain/datatype.ts";
import type { Manifest } from "../../domain/manifest.ts";
import type { TensorSpec } from "../../domain/tensor.ts";

/**
 * The model's configuration in the form of Triton's `ModelConfig` message. Source: Triton's model
 * configuration extension. Fields without a counterpart in this server are omitted.
 */
export function toModelConfig(
  { name, inputs, outputs, labels, cache }: Manifest,
  { cacheTiers }: { readonly cacheTiers: readonly string[] },
): object {
  return {
    name,
    platform: "onnxruntime_onnx",
    backend: "onnxruntime",
    version_policy: { latest: { num_versions: 1 } },
    // The batch is a dimension like any other, part of `dims`; requests are not merged into batches.
    max_batch_size: 0,
    input: inputs.map(toConfigTensor),
    output: outputs.map(toConfigTensor),
    instance_group: [{ name, kind: "KIND_CPU", count: 1 }],
    default_model_filename: "model.onnx",
    response_cache: { enable: cacheTiers.length > 0 && cache.enabled },
    ...(labels ? { parameters: { labels: { string_value: JSON.stringify(labels) } } } : {}),
  };
}

function toConfigTensor({ name, datatype, shape, optional }: TensorSpec): object {
  return {
    name,
    data_type: toConfigDatatype(datatype),
    dims: shape.map((size) => (typeof size === "string" ? -1 : size)),
    ...(optional ? { optional } : {}),
  };
}

function toConfigDatatype(datatype: Datatype): string {
  return datatype === "BYTES" ? "TYPE_STRING" : `TYPE_${datatype}`;
}
