import { postprocessDefinition } from "../domain/blocks/registry.ts";
import { type CacheReport, createCacheReport, mergeCacheReports } from "../domain/cache-control.ts";
import type { Call } from "../domain/call.ts";
import { ApiError } from "../domain/errors.ts";
import type { Manifest } from "../domain/manifest.ts";
import type { ModelHost, RunCached } from "../domain/model-host.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import type { TaskRequest, TaskResult } from "../domain/task.ts";
import type { PlanAnswer } from "../tasks/answer-plan.ts";
import { answersOf } from "../tasks/answers.ts";
import type { AnswerCached } from "./answer-cached.ts";
import { type BypassOf, bypassCache, refuseHidden } from "./cache-directives.ts";
import { whenEnded } from "./when-ended.ts";

/** Executes the task of a version, whose runs use the cache. */
export type RunTask = (
  model: PublishedModel,
  request: TaskRequest,
  call: Call,
) => Promise<TaskResult>;

export interface RunTaskOptions {
  /** For the runs of tasks whose result is computed at once. */
  readonly runCached: RunCached;
  /** For the results of tasks that generate. */
  readonly answerCached: AnswerCached;
  /** Whether a call does not use the cache: then nothing is prepared for it, beside the model or elsewhere. */
  readonly bypassOf: BypassOf;
}

export function createRunTask(
  host: ModelHost,
  { runCached, answerCached, bypassOf }: RunTaskOptions,
): RunTask {
  /** The result of a task that generates: of its runs none is in the cache, and the whole is, where the request determines it. */
  const generate = (planAnswer: PlanAnswer): RunTask => {
    return async (model, request, call) => {
      refuseHidden(call);
      const execute = (changed: TaskRequest, changedCall: Call): Promise<TaskResult> =>
        host.execute({ ...changed, model }, changedCall);
      if (request.checkOnly) return execute(request, call);
      const bypass = bypassOf(model, call.cache);
      const plan = bypass ? undefined : planAnswer(request, model.manifest);
      if (plan && plan !== "drawn") return answerCached({ model, plan, execute }, call);
      const reason = bypass ?? plan;
      if (reason) bypassCache(call, reason);
      return execute(request, call);
    };
  };

  return async (model, request, call) => {
    if (request.stream) refuseUnstreamed(model.manifest);
    const planAnswer = answersOf(model.manifest);
    if (planAnswer) return generate(planAnswer)(model, request, call);
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
    return { ...result, parts: whenEnded(result.parts, merge) };
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
