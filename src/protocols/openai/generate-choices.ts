import { mergeCacheReports } from "../../domain/cache-control.ts";
import type { Call } from "../../domain/call.ts";
import { type GenerationProgress, NOTHING_GENERATED } from "../../domain/generation-progress.ts";
import type { PublishedModel } from "../../domain/published-model.ts";
import type { TaskPart } from "../../domain/task.ts";
import { PHASES, type Trace } from "../../domain/trace.ts";
import type { RunTask } from "../../inference/run-task.ts";
import { type ChoiceDelta, ChoiceText, type GeneratedPart } from "./choice-text.ts";

/** One choice of a request. */
export interface ChoiceRequest {
  readonly inputs: unknown;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly stops: readonly string[];
  /** Whether its prompt is that of the choice before, whose tokens are counted once. */
  readonly repeatsPrompt?: boolean;
  /** Whether no token of an answer is wanted. */
  readonly isEchoOnly?: boolean;
  /** Adds to an error the field of the request that it is about. */
  readonly nameField: (error: unknown) => never;
}

/**
 * Generates the choices of a request one after the other. The first one has begun when the promise resolves, so that
 * what is wrong with the request is known before the response begins. `return()` ends the work.
 */
export async function generateChoices(
  runTask: RunTask,
  model: PublishedModel,
  [first, ...others]: readonly [ChoiceRequest, ...ChoiceRequest[]],
  call: Call,
): Promise<AsyncIterableIterator<ChoiceDelta, undefined>> {
  const begin = async (request: ChoiceRequest, index: number, choiceCall: Call) => {
    const { inputs, parameters, stops, isEchoOnly = false, nameField } = request;
    const { repeatsPrompt = false } = request;
    const isCompleted = parameters.grammar !== undefined;
    const text = new ChoiceText(index, { stops, isCompleted, isEchoOnly });
    const result = await runTask(model, { inputs, parameters, stream: true }, choiceCall).catch(
      nameField,
    );
    if (result.kind !== "stream") throw new Error("the task does not generate step by step");
    const parts = result.parts[Symbol.asyncIterator]();
    return { parts, text, trace: choiceCall.trace, nameField, repeatsPrompt };
  };

  let current = await begin(first, 0, call);
  let index = 0;
  let earlier = NOTHING_GENERATED;
  let isClosed = false;

  /** How the cache was used for each choice that has begun. */
  const reports = [call.trace.cache];
  /** The event tells of all choices. */
  const record = (): void => {
    if (current.trace === call.trace) return;
    const { repeatsPrompt, trace } = current;
    const later = trace.generation ?? NOTHING_GENERATED;
    const added = repeatsPrompt ? { ...later, inputTokens: 0, cachedTokens: 0 } : later;
    call.trace.generation = add(earlier, added, call.trace.elapsedMs);
  };

  const beginNext = async (): Promise<boolean> => {
    const next = others[index];
    if (!next || isClosed) return false;
    if (current.trace !== call.trace) addPhases(call.trace, current.trace);
    earlier = call.trace.generation ?? NOTHING_GENERATED;
    index += 1;
    const choiceCall = call.fork();
    choiceCall.trace.hidesCache = call.trace.hidesCache;
    reports.push(choiceCall.trace.cache);
    current = await begin(next, index, choiceCall);
    // The client may have left while the choice began.
    if (isClosed) await current.parts.return?.();
    return !isClosed;
  };

  const nextPart = async (): Promise<IteratorResult<TaskPart>> => {
    for (;;) {
      const result = await current.parts.next().catch(current.nameField);
      record();
      if (!result.done) return result;
      if (reports.length > 1) call.trace.cache = mergeCacheReports(reports);
      if (!(await beginNext())) return { done: true, value: undefined };
    }
  };

  const deltas: AsyncIterableIterator<ChoiceDelta, undefined> = {
    async next() {
      const { done, value } = await nextPart();
      if (done) return { done, value: undefined };
      return { done: false, value: current.text.add(value as GeneratedPart) };
    },
    async return() {
      isClosed = true;
      await current.parts.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => deltas,
  };
  return deltas;
}

function add(
  earlier: GenerationProgress,
  later: GenerationProgress,
  elapsedMs: number,
): GenerationProgress {
  return {
    inputTokens: earlier.inputTokens + later.inputTokens,
    cachedTokens: earlier.cachedTokens + later.cachedTokens,
    outputTokens: earlier.outputTokens + later.outputTokens,
    firstTokenMs: earlier.firstTokenMs,
    lastTokenMs: later.outputTokens > 0 ? elapsedMs : earlier.lastTokenMs,
    finishReason: later.finishReason,
  };
}

function addPhases(trace: Trace, { phasesMs }: Trace): void {
  for (const phase of PHASES) {
    const measured = phasesMs[phase];
    if (measured !== undefined) trace.phasesMs[phase] = (trace.phasesMs[phase] ?? 0) + measured;
  }
}
