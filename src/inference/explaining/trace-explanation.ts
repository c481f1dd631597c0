import type { ExplanationSpace } from "../../domain/explanation/explanation.ts";
import type { Trace } from "../../domain/trace.ts";
import type { ExplanationMethod } from "../../explain/method.ts";

/** Notes for the event what is made. @param runs rows that the model was run for until now */
export function noteExplanation(
  trace: Trace,
  { method, space }: { readonly method: ExplanationMethod; readonly space: ExplanationSpace },
  runs: number,
): void {
  const { name, exact } = method;
  trace.explanation = { method: name, exact, space, runs };
}

/** Notes an explanation that another request has made. */
export function noteStored(trace: Trace, value: unknown): void {
  if (trace.explanation) return;
  const { method, exact, space } = Object(Array.isArray(value) ? value[0] : value);
  trace.explanation = { method, exact, space, runs: 0 };
}

/** What was run was asked for by no client: nothing of it is told as a prediction. */
export function forgetPredictions(trace: Trace): void {
  trace.statistics = undefined;
  trace.gathered = undefined;
  trace.generation = undefined;
}
