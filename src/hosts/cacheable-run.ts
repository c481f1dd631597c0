import { predictionKey } from "../cache/key.ts";
import type { CacheableRun, Infer, InferRequest } from "../domain/model-host.ts";

/** A run by `infer`, with the key that its tensors have in the cache. */
export function toCacheableRun(infer: Infer, request: InferRequest): CacheableRun {
  const { model, inputs } = request;
  const { manifest } = model;
  const outputs = request.outputs ?? manifest.outputs.map(({ name }) => name);
  return {
    model,
    outputs,
    key: (client) => predictionKey(manifest, inputs, outputs, client),
    run: (call) => infer({ model, inputs, outputs }, call),
  };
}
