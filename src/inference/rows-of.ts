import { memberModel } from "../domain/member-models.ts";
import type { InferRequest } from "../domain/model-host.ts";

/** The first dimension of the inputs in which the model's is open, so that it is that of a batch. */
export function rowsOf({ model, member, inputs }: Omit<InferRequest, "outputs">): number {
  const specs = memberModel(model.manifest, member).inputs;
  let most = 1;
  for (const { name, shape } of inputs) {
    const first = specs.find((spec) => spec.name === name)?.shape[0];
    const isFixed = typeof first === "number" && first >= 0;
    if (!isFixed) most = Math.max(most, shape[0] ?? 1);
  }
  return most;
}
