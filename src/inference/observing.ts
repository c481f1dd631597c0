import type { Infer, InferRequest } from "../domain/model-host.ts";
import { observeTaskRequest } from "../domain/statistics/observe-request.ts";
import { statisticsOf } from "../domain/statistics/observe-run.ts";
import type { Tensor } from "../domain/tensor.ts";
import type { Trace } from "../domain/trace.ts";
import { rowsOf } from "./rows-of.ts";
import type { Inference } from "./shadow.ts";

/**
 * Runs models and tasks, and gathers statistics of what was asked and answered in the trace of the call, wherever the model ran and
 * whether it ran at all.
 */
export function createObserving({ infer, runTask }: Inference): Inference {
  const observed: Infer = async (request, call) => {
    const outputs = await infer(request, call);
    observe(call.trace, request, outputs);
    return outputs;
  };
  return {
    infer: observed,
    async runTask(model, request, call) {
      const result = await runTask(model, request, call);
      if (!request.checkOnly) observeTaskRequest(call.trace, model, request.inputs, result);
      return result;
    },
  };
}

/** It never fails the request. */
function observe(trace: Trace, request: InferRequest, outputs: readonly Tensor[]): void {
  const { model, member, inputs } = request;
  if (member !== undefined) return;
  try {
    const statistics = statisticsOf(trace, model);
    statistics.inputs(inputs);
    statistics.outputs(outputs);
    statistics.countRows(rowsOf(request));
  } catch {
    // Statistics that cannot be made are missing.
  }
}
