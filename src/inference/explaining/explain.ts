import type { Call } from "../../domain/call.ts";
import type { BackgroundReader, KeptBackground } from "../../domain/explanation/background.ts";
import { PRESENTATION } from "../../domain/explanation/explanation-parameters.ts";
import type { PublishedModel } from "../../domain/published-model.ts";
import type { TaskRequest, TaskResult } from "../../domain/task.ts";
import type { ExplainedVersion } from "../../explain/explained-version.ts";
import type { ExplanationMethod } from "../../explain/method.ts";
import { METHODS as EXPLANATION_METHODS } from "../../explain/registry.ts";
import type { AnswerPlan } from "../../tasks/answer-plan.ts";
import type { AnswerCached } from "../answer-cached.ts";
import { type BypassOf, bypassCache, refuseHidden } from "../cache-directives.ts";
import { whenEnded } from "../when-ended.ts";
import { createExplainedVersion, type ExplainedVersionSource } from "./explained-version.ts";
import { type Drawing, EXPLANATION_FORMATS } from "./explanation-formats.ts";
import { type ParsedParameters, parseExplanationParameters } from "./explanation-parameters.ts";
import { ownParts, progressParts, resultOf, toParts } from "./explanation-parts.ts";
import { type PreparedExplanation, prepare } from "./prepare.ts";
import { RunBudget } from "./run-budget.ts";
import { createRunCosts } from "./run-cost.ts";
import { splitExplained } from "./split-explained.ts";
import { forgetPredictions, noteExplanation, noteStored } from "./trace-explanation.ts";

/** Explains what a version answers: one explanation, or a list of them for a list of inputs; in parts where `stream` says so. */
export type Explain = (
  model: PublishedModel,
  request: TaskRequest,
  call: Call,
) => Promise<TaskResult>;

/** What explains, and what draws explanations. */
export interface Explainer {
  readonly explain: Explain;
  /**
   * @param mediaType one of `EXPLANATION_FORMATS`
   * @param value what was explained, as it is in JSON
   * @throws ApiError `invalid_request` for an explanation that cannot be drawn so
   */
  draw(
    mediaType: string,
    value: unknown,
    model: PublishedModel,
    request: TaskRequest,
    call: Call,
  ): Promise<Drawing>;
}

export interface ExplainOptions extends ExplainedVersionSource {
  readonly background: BackgroundReader;
  readonly answerCached: AnswerCached;
  readonly bypassOf: BypassOf;
  /** Rows that a request may run its model for: MAX_EXPLANATION_RUNS. */
  readonly maxRuns: number;
  readonly methods?: readonly ExplanationMethod[];
}

export { EXPLANATION_METHODS };

/** Raised where the same request has another explanation than before. */
const EXPLANATION_VERSION = 1;

/** Of which an estimate is made. */
const PROBED_ROWS = 256;

/** What a request asks for, once its parameters are read. */
interface Job {
  readonly model: PublishedModel;
  readonly parameters: ParsedParameters;
  readonly kept: KeptBackground | undefined;
  readonly budget: RunBudget;
}

export function createExplainer(options: ExplainOptions): Explainer {
  const { answerCached, bypassOf, maxRuns, methods = EXPLANATION_METHODS } = options;
  const costs = createRunCosts();

  function versionOf(
    { model, kept, budget }: Omit<Job, "parameters">,
    call: Call,
  ): ExplainedVersion {
    const background = async () => kept?.inputs;
    return createExplainedVersion(options, { model, call, budget, background });
  }

  function prepareJob(job: Job, inputs: unknown, call: Call): Promise<PreparedExplanation> {
    const { parameters, budget } = job;
    const version = versionOf(job, call);
    return prepare({ methods, version, inputs, parameters, budget, limit: maxRuns });
  }

  async function execute(job: Job, request: TaskRequest, call: Call): Promise<TaskResult> {
    const { budget, model } = job;
    const { trace } = call;
    const before = costs.busyMs(trace);
    const prepared = await prepareJob(job, request.inputs, call);
    const note = (): void => noteExplanation(trace, prepared, budget.used);
    const explain = async (): Promise<unknown> => {
      try {
        return await prepared.explain();
      } finally {
        note();
        costs.learn(model, budget.used, costs.busyMs(trace) - before);
      }
    };
    note();
    if (!request.stream) return { kind: "value", value: await explain(), form: "one" };
    const [plan] = prepared.plans;
    const stream = prepared.isList ? undefined : plan?.stream?.bind(plan);
    const parts = stream ? ownParts(budget, stream) : progressParts(budget, explain);
    return { kind: "stream", parts: whenEnded(parts, note) };
  }

  /** Runs a model of which nothing is known once: rows of numbers as many at a time as explanations do, other inputs alone. */
  async function probe(job: Job, request: TaskRequest, call: Call): Promise<void> {
    const version = versionOf(job, call);
    const { preprocess, postprocess } = job.model.manifest;
    const blocks = preprocess && postprocess && (await version.blocks());
    if (!blocks) return;
    const hasRows = ["tabular", "columns", "array"].includes(preprocess.type);
    const { inputs } = await splitExplained(version, request.inputs, job.parameters.ofTable);
    const rows = hasRows ? Math.min(blocks.preprocessor.maxBatch, PROBED_ROWS) : 1;
    const probed = rows === 1 ? inputs[0] : Array.from({ length: rows }, () => inputs[0]);
    const before = costs.busyMs(call.trace);
    await version.execute({ inputs: probed, parameters: {} }, 0);
    costs.learn(job.model, rows, costs.busyMs(call.trace) - before);
  }

  /** What it would cost. */
  async function estimate(job: Job, request: TaskRequest, call: Call): Promise<object> {
    const { model } = job;
    const { method, space, runs } = await prepareJob(job, request.inputs, call);
    noteExplanation(call.trace, { method, space }, job.budget.used);
    if (costs.estimate(model, runs) === undefined) await probe(job, request, call);
    return {
      method: method.name,
      exact: method.exact,
      space,
      runs,
      estimated_ms: costs.estimate(model, runs) ?? null,
    };
  }

  function planAnswer(job: Job, request: TaskRequest): AnswerPlan {
    const { parameters, kept } = job;
    return {
      identity: {
        explanation: EXPLANATION_VERSION,
        inputs: request.inputs,
        parameters: { ...determining(parameters), ...parameters.own, ...parameters.ofTable },
        background: kept?.digest ?? null,
        limit: maxRuns,
      },
      request,
      form: "one",
      toParts,
      toValue: resultOf,
      toPart: (part) => part,
    };
  }

  const explain: Explain = async (model, request, call) => {
    const parameters = parseExplanationParameters(request.parameters, methods, model.manifest);
    const { common } = parameters;
    const kept = common.background ? undefined : await options.background.read(model);
    const limit = Math.min(common.max_runs ?? maxRuns, maxRuns);
    const job: Job = { model, parameters, kept, budget: new RunBudget(limit) };
    const { trace } = call;
    try {
      if (common.dry_run)
        return { kind: "value", value: await estimate(job, request, call), form: "one" };
      refuseHidden(call);
      const run = (changed: TaskRequest, changedCall: Call): Promise<TaskResult> =>
        execute(job, changed, changedCall);
      const bypass = bypassOf(model, call.cache);
      if (bypass) bypassCache(call, bypass);
      const result = bypass
        ? await run(request, call)
        : await answerCached({ model, plan: planAnswer(job, request), execute: run }, call);
      if (result.kind === "value") {
        noteStored(trace, result.value);
        return result;
      }
      return { ...result, parts: whenEnded(result.parts, () => forgetPredictions(trace)) };
    } finally {
      forgetPredictions(trace);
    }
  };
  return {
    explain,
    async draw(mediaType, value, model, { inputs, parameters }, call) {
      const format = EXPLANATION_FORMATS.find((each) => each.mediaType === mediaType);
      if (!format) throw new Error(`explanations are not drawn as ${mediaType}`);
      // Nothing is run to draw what is known.
      const job = { model, kept: undefined, budget: new RunBudget(0) };
      const version = versionOf(job, call);
      return format.draw({ version, inputs, parameters, value });
    },
  };
}

/** The parameters that determine what the explanation is, whatever it looks like. */
function determining({ common }: ParsedParameters): Record<string, unknown> {
  const ignored: readonly string[] = [...PRESENTATION, "dry_run"];
  return Object.fromEntries(Object.entries(common).filter(([name]) => !ignored.includes(name)));
}
