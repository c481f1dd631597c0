import type { Answer } from "../domain/answer-comparison/comparison.ts";

/** The seed that the details of a generated text tell: with it the same tokens are drawn again. */
export function seedOf(answer: Answer): number | undefined {
  const last = answer.kind === "parts" ? answer.parts.at(-1) : firstOf(answer);
  const { seed } = fieldsOf(fieldsOf(last).details);
  return typeof seed === "number" ? seed : undefined;
}

function firstOf(answer: Answer): unknown {
  return answer.kind === "value" && Array.isArray(answer.value) ? answer.value[0] : undefined;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
