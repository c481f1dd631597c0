import type { ModelId } from "../../domain/model-id.ts";
import type { Tensor } from "../../domain/tensor.ts";
import { toJsonData } from "../../domain/tensor-json.ts";

/** The text of an "Inference Response JSON Object"; written by hand so that no number changes. */
export function toInferResponse(
  model: ModelId,
  id: string | undefined,
  outputs: readonly Tensor[],
): string {
  const head = {
    model_name: model.name,
    model_version: model.version,
    ...(id === undefined ? {} : { id }),
  };
  const tensors = outputs.map(
    (tensor) =>
      `${JSON.stringify({ name: tensor.name, datatype: tensor.datatype, shape: tensor.shape }).slice(0, -1)},"data":${toJsonData(tensor)}}`,
  );
  return `${JSON.stringify(head).slice(0, -1)},"outputs":[${tensors.join(",")}]}`;
}
