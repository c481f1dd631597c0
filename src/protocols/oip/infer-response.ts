import type { ModelId } from "../../domain/model-id.ts";
import type { Tensor } from "../../domain/tensor.ts";
import { toTensorBytes } from "../../domain/tensor-bytes.ts";
import { toJsonData } from "../../domain/tensor-json.ts";
import { checkJsonOutputs } from "../output-limits.ts";
import { toClassification } from "./classification.ts";
import type { InferRequest, RequestedOutput } from "./infer-request.ts";

export interface InferResponse {
  readonly json: string;
  /** The data of outputs, which follows the JSON in their order; empty for a response of JSON alone. */
  readonly binary: readonly Uint8Array[];
}

/**
 * An "Inference Response JSON Object"; serialized by hand, so that no number changes.
 * @param outputs in the order of the request's
 */
export function toInferResponse(
  model: ModelId,
  request: Pick<InferRequest, "id" | "outputs" | "binaryByDefault">,
  outputs: readonly Tensor[],
  labels: readonly string[] | undefined,
): InferResponse {
  const binary: Uint8Array[] = [];
  checkJsonOutputs(
    outputs.flatMap((output, index) => toWritten(output, request, index)),
    "request binary data (binary_data), or send smaller batches",
  );
  const tensors = outputs.map((output, index) => {
    const requested = request.outputs?.[index];
    const tensor = classify(output, requested, labels);
    const { name, datatype, shape } = tensor;
    if (!(requested?.binary ?? request.binaryByDefault))
      return `${open({ name, datatype, shape })},"data":${toJsonData(tensor)}}`;
    const bytes = toTensorBytes(tensor);
    binary.push(bytes);
    const parameters = { binary_data_size: bytes.byteLength };
    return JSON.stringify({ name, datatype, shape, parameters });
  });
  const head = open({
    model_name: model.name,
    model_version: model.version,
    ...(request.id === undefined ? {} : { id: request.id }),
  });
  return { json: `${head},"outputs":[${tensors.join(",")}]}`, binary };
}

/** What is written as text of an output. */
function toWritten(
  { name, datatype, shape }: Tensor,
  request: Pick<InferRequest, "outputs" | "binaryByDefault">,
  index: number,
): Pick<Tensor, "name" | "datatype" | "shape">[] {
  const requested = request.outputs?.[index];
  if (requested?.classification !== undefined) {
    const classes = Math.min(requested.classification, shape.at(-1) ?? 1);
    return [{ name, datatype: "BYTES", shape: [...shape.slice(0, -1), classes] }];
  }
  return (requested?.binary ?? request.binaryByDefault) ? [] : [{ name, datatype, shape }];
}

function classify(
  tensor: Tensor,
  requested: RequestedOutput | undefined,
  labels: readonly string[] | undefined,
): Tensor {
  if (requested?.classification === undefined) return tensor;
  return toClassification(tensor, requested.classification, labels);
}

/** An object's text without its closing brace. */
function open(value: object): string {
  return JSON.stringify(value).slice(0, -1);
}
