import type { Tensor } from "../src/domain/tensor.ts";
import type { TestCase } from "./cases.ts";
import { findDifference } from "./compare.ts";

/** Why an engine did not pass a case. */
export const REASONS = {
  unsupported: "an input or output cannot be sent or compared",
  model_refused: "the engine refused the model",
  input_refused: "the engine refused the input",
  wrong_output: "an output is not the expected one",
  crashed: "the engine crashed",
  failed: "anything else",
} as const;

export type Reason = keyof typeof REASONS;

/** What an engine made of a case before anyone looked at the numbers. */
export type EngineAnswer =
  /** The outputs for each data set. */
  | { readonly outputs: readonly (readonly Tensor[])[] }
  | { readonly reason: Reason; readonly detail: string };

export interface Outcome {
  readonly passed: boolean;
  readonly reason?: Reason;
  readonly detail?: string;
}

/** Judges an answer by the outputs that the case expects. */
export function toOutcome({ unsupported, dataSets }: TestCase, answer: EngineAnswer): Outcome {
  if (unsupported !== undefined)
    return { passed: false, reason: "unsupported", detail: unsupported };
  if (!("outputs" in answer)) return { passed: false, ...answer };
  for (const [index, { expected }] of dataSets.entries()) {
    const detail = findDifference(expected, answer.outputs[index] ?? []);
    if (detail) return { passed: false, reason: "wrong_output", detail };
  }
  return { passed: true };
}
