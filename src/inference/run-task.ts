import { type CacheReport, createCacheReport, mergeCacheReports } from "../domain/cache-control.ts";
import type { Call } from "../domain/call.ts";
import type { Infer, ModelHost } from "../domain/model-host.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import type { TaskRequest, TaskResult } from "../domain/task.ts";

/** Executes the task of a version, whose runs use the cache. */
export type RunTask = (
  model: PublishedModel,
  request: TaskRequest,
  call: Call,
) => Promise<TaskResult>;

/** @param infer runs a model once, or reads its outputs from the cache */
export function createRunTask(host: ModelHost, infer: Infer): RunTask {
  return async (model, request, call) => {
    const { trace } = call;
    /** One report for each run. */
    const reports: CacheReport[] = [];
    const inferWithReport: Infer = (run, runCall) => {
      if (reports.length > 0) trace.cache = createCacheReport();
      reports.push(trace.cache);
      return infer(run, runCall);
    };
    const result = await host.execute({ ...request, model, infer: inferWithReport }, call);
    if (reports.length > 1) trace.cache = mergeCacheReports(reports);
    return result;
  };
}
