import { checkBatchLimit } from "../domain/access/request-limits.ts";
import type { Call } from "../domain/call.ts";
import { memberModel } from "../domain/member-models.ts";
import type { Infer, InferRequest } from "../domain/model-host.ts";

/** Refuses tensors with more rows than the API key permits. */
export function limitBatch(infer: Infer): Infer {
  return (request, call) =>
    call.limits.batch === undefined ? infer(request, call) : inferLimited(infer, request, call);
}

async function inferLimited(infer: Infer, request: InferRequest, call: Call): ReturnType<Infer> {
  checkBatchLimit(call.limits, rowsOf(request));
  return infer(request, call);
}

/** The first dimension of the inputs in which the model's is open, so that it is that of a batch. */
function rowsOf({ model, member, inputs }: InferRequest): number {
  const specs = memberModel(model.manifest, member).inputs;
  const rows = inputs.map(({ name, shape }) => {
    const first = specs.find((spec) => spec.name === name)?.shape[0];
    return typeof first === "number" && first >= 0 ? 1 : (shape[0] ?? 1);
  });
  return Math.max(1, ...rows);
}
