import type { Call } from "../domain/call.ts";

/**
 * Runs a generator to its end, with a checkpoint after each step that it yields.
 * @returns its result; a promise only when it has yielded
 */
export function runInSteps<T>(
  steps: Generator<unknown, T>,
  checkpoint: Call["checkpoint"],
): T | Promise<T> {
  const first = steps.next();
  return first.done ? first.value : finish(steps, checkpoint);
}

async function finish<T>(steps: Generator<unknown, T>, checkpoint: Call["checkpoint"]): Promise<T> {
  for (;;) {
    await checkpoint();
    const step = steps.next();
    if (step.done) return step.value;
  }
}
