import type { TaskPart } from "../../domain/task.ts";
import type { GeneratedStep } from "./generate.ts";
import type { HuggingFaceText } from "./hugging-face-text.ts";

/** The parts of a streamed result. */
export function toParts(
  steps: AsyncIterableIterator<GeneratedStep, undefined>,
  text: HuggingFaceText,
): AsyncIterableIterator<TaskPart, undefined> {
  return {
    async next() {
      const step = await steps.next();
      return step.done ? step : { done: false, value: text.addPart(step.value) };
    },
    async return() {
      await steps.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
