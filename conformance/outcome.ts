import type { Tensor } from "../src/domain/tensor.ts";
import type { TestCase } from "./cases.ts";
import { findDifference } from "./compare.ts";

/** Reasons why an engine did not pass a case. */
export const REASONS = {
  unsupported: "an input or output cannot be sent or compared",
  model_refused: "the engine refused the model",
  input_refused: "the engine refused the input",
  wrong_output: "an output is not the expected one",
  crashed: "the engine crashed",
  failed: "anything else",
} as const;

export type Reason = keyof typeof REASONS;

/** The result of an engine for a case, before the outputs are compared. */
export type EngineResult =
  /** The outputs for each data set. */
  | { readonly outputs: readonly (readonly Tensor[])[] }
  | { readonly reason: Reason; readonly detail: string };

export interface Outcome {
  readonly passed: boolean;
  readonly reason?: Reason;
  readonly detail?: string;
}

/** Compares an engine's result with the expected outputs of the case. */
export function toOutcome({ unsupported, dataSets }: TestCase, result: EngineResult): Outcome {
  if (unsupported !== undefined)
    return { passed: false, reason: "unsupported", detail: unsupported };
  if (!("outputs" in result)) return { passed: false, ...result };
  for (const [index, { expected }] of dataSets.entries()) {
    const detail = findDifference(expected, result.outputs[index] ?? []);
    if (detail) return { passed: false, reason: "wrong_output", detail };
  }
  return { passed: true };
}
