import { postprocessDefinition } from "../domain/blocks/registry.ts";
import { type CacheReport, createCacheReport, mergeCacheReports } from "../domain/cache-control.ts";
import type { Call } from "../domain/call.ts";
import { ApiError } from "../domain/errors.ts";
import type { Manifest } from "../domain/manifest.ts";
import type { ModelHost, RunCached } from "../domain/model-host.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import type { TaskPart, TaskRequest, TaskResult } from "../domain/task.ts";
import type { BypassOf } from "./run-cached.ts";

/** Executes the task of a version, whose runs use the cache. */
export type RunTask = (
  model: PublishedModel,
  request: TaskRequest,
  call: Call,
) => Promise<TaskResult>;

/** @param bypassOf whether no run of a call uses the cache: then nothing is prepared for it, beside the model or elsewhere */
export function createRunTask(host: ModelHost, runCached: RunCached, bypassOf: BypassOf): RunTask {
  return async (model, request, call) => {
    if (request.stream) refuseUnstreamed(model.manifest);
    if (call.cache.onlyIfCached) refuseUncached(model.manifest);
    const { trace } = call;
    /** One report for each run. */
    const reports: CacheReport[] = [];
    const runWithReport: RunCached = (run, runCall) => {
      if (reports.length > 0) trace.cache = createCacheReport();
      reports.push(trace.cache);
      return runCached(run, runCall);
    };
    // A request for nothing but cached responses is refused with its first run.
    const bypass = call.cache.onlyIfCached ? undefined : bypassOf(model, call.cache);
    const merge = (): void => {
      if (bypass && trace.phasesMs.infer !== undefined) {
        trace.cache.outcome = "bypass";
        trace.cache.reason = bypass;
      }
      if (reports.length > 1) trace.cache = mergeCacheReports(reports);
    };
    let result: TaskResult | undefined;
    try {
      const cached = bypass ? {} : { runCached: runWithReport };
      result = await host.execute({ ...request, model, ...cached }, call);
    } finally {
      merge();
    }
    if (result.kind === "value") return result;
    return { ...result, parts: finallyCall(result.parts, merge) };
  };
}

/** @throws ApiError `invalid_request` for a task whose result is computed at once */
function refuseUnstreamed({ name, task, postprocess }: Manifest): void {
  if (!postprocess || postprocessDefinition(postprocess).generates) return;
  throw new ApiError(
    "invalid_request",
    `"stream" must be false or left out: results of ${name} (${task ?? postprocess.type}) are not generated step by step.`,
  );
}

/** @throws ApiError `not_cached` for a task whose results are not in the cache */
function refuseUncached({ name, postprocess }: Manifest): void {
  if (!postprocess || !postprocessDefinition(postprocess).generates) return;
  throw new ApiError(
    "not_cached",
    `The request allows only a cached response (only-if-cached), and texts that ${name} generates are not cached.`,
  );
}

/** The parts; `end` is called when they have ended, in whatever way. */
function finallyCall(parts: AsyncIterable<TaskPart>, end: () => void): AsyncIterable<TaskPart> {
  return {
    // Not a generator: one that was not started would not end the parts.
    [Symbol.asyncIterator]() {
      const iterator = parts[Symbol.asyncIterator]();
      return {
        async next() {
          try {
            const result = await iterator.next();
            if (result.done) end();
            return result;
          } catch (error) {
            end();
            throw error;
          }
        },
        async return() {
          try {
            await iterator.return?.();
          } finally {
            end();
          }
          return { done: true, value: undefined };
        },
      };
    },
  };
}
