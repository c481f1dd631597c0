import { predictionKey } from "../cache/key.ts";
import { memberModel } from "../domain/member-models.ts";
import type { CacheableRun, Infer, InferRequest } from "../domain/model-host.ts";

/** A run by `infer`, with the key that its tensors have in the cache. */
export function toCacheableRun(infer: Infer, request: InferRequest): CacheableRun {
  const { model, member, inputs } = request;
  const { manifest } = model;
  const outputs = request.outputs ?? memberModel(manifest, member).outputs.map(({ name }) => name);
  return {
    model,
    outputs,
    key: (client) => predictionKey(manifest, inputs, outputs, client, member),
    run: (call) => infer({ model, member, inputs, outputs }, call),
  };
}
