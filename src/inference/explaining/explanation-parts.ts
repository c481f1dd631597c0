import type { TaskPart, TaskValue } from "../../domain/task.ts";
import type { PlannedExplanation } from "../../explain/method.ts";
import type { RunBudget } from "./run-budget.ts";

/** A part of a streamed explanation; the last one is the result. */
export interface ExplanationPart {
  readonly event: "progress" | "partial" | "result";
  readonly data: unknown;
}

/** Progress is told of so many parts of the whole at most. */
const STEPS = 100;

export function resultPart(data: unknown): ExplanationPart {
  return { event: "result", data };
}

export function toParts({ value }: TaskValue): readonly ExplanationPart[] {
  return [resultPart(value)];
}

/** The result of all parts of an explanation. */
export function resultOf(parts: readonly TaskPart[]): unknown {
  return (parts.at(-1) as ExplanationPart).data;
}

/** How far an explanation has come while it is made, and the result. */
export async function* progressParts(
  budget: RunBudget,
  explain: () => Promise<unknown>,
): AsyncGenerator<ExplanationPart> {
  yield progressOf(budget);
  let told = budget.used;
  let isDone = false;
  const explaining = explain().finally(() => {
    isDone = true;
  });
  explaining.catch(() => undefined);
  while (!isDone) {
    const { changed } = budget;
    await Promise.race([changed, explaining]);
    if (isDone || budget.used - told < budget.allowed / STEPS) continue;
    told = budget.used;
    yield progressOf(budget);
  }
  yield resultPart(await explaining);
}

/** The parts of a method that tells more than how far it has come. */
export async function* ownParts(
  budget: RunBudget,
  stream: NonNullable<PlannedExplanation["stream"]>,
): AsyncGenerator<ExplanationPart> {
  yield progressOf(budget);
  let last: object | undefined;
  for await (const part of stream()) {
    if (last) yield { event: "partial", data: last };
    last = part;
  }
  yield resultPart(last);
}

function progressOf({ used, allowed }: RunBudget): ExplanationPart {
  return { event: "progress", data: { runs: used, of: allowed } };
}
