import { checkBatchLimit } from "../domain/access/request-limits.ts";
import type { Call } from "../domain/call.ts";
import type { Infer, InferRequest } from "../domain/model-host.ts";
import { rowsOf } from "./rows-of.ts";

/** Refuses tensors with more rows than the API key permits. */
export function limitBatch(infer: Infer): Infer {
  return (request, call) =>
    call.limits.batch === undefined ? infer(request, call) : inferLimited(infer, request, call);
}

async function inferLimited(infer: Infer, request: InferRequest, call: Call): ReturnType<Infer> {
  checkBatchLimit(call.limits, rowsOf(request));
  return infer(request, call);
}
