import { findDifference, IDENTICAL } from "./compare.ts";
import type { KnownDifference } from "./known-differences.ts";
import type { EngineResult, Outcome } from "./outcome.ts";

/** The ways in which the Worker can differ from plain ONNX Runtime Web. */
export const DIFFERENCE_KINDS = {
  worker_fails: "passes in ONNX Runtime Web, but not in the Worker",
  worker_passes: "passes in the Worker, but not in ONNX Runtime Web",
  other_reason: "fails in both, but in the Worker with something other than a refusal",
  other_values: "the outputs of both are not bit-identical",
  worker_unhealthy: "the Worker returns wrong outputs for other requests afterwards",
} as const;

export type DifferenceKind = keyof typeof DIFFERENCE_KINDS;

export interface Difference {
  readonly kind: DifferenceKind;
  readonly detail: string;
  /** The reason in the list of known differences. */
  readonly why?: string;
}

/** The outcomes of one case on both sides. */
export interface CaseResult {
  readonly name: string;
  readonly worker: Outcome;
  readonly baseline: Outcome;
  /** `undefined` when there is none. */
  readonly difference: Difference | undefined;
}

export interface Sides<T> {
  readonly worker: T;
  readonly baseline: T;
}

/** @param healthProblem what is wrong with the Worker after the case */
export function toDifference(
  { worker, baseline }: Sides<Outcome>,
  engineResults: Sides<EngineResult>,
  healthProblem: string | undefined,
): Difference | undefined {
  if (healthProblem !== undefined) return { kind: "worker_unhealthy", detail: healthProblem };
  if (baseline.passed && !worker.passed) return { kind: "worker_fails", detail: explain(worker) };
  if (worker.passed && !baseline.passed)
    return { kind: "worker_passes", detail: explain(baseline) };
  if ("outputs" in engineResults.worker && "outputs" in engineResults.baseline) {
    const expected = engineResults.baseline.outputs.flat();
    const detail = findDifference(expected, engineResults.worker.outputs.flat(), IDENTICAL);
    return detail === undefined ? undefined : { kind: "other_values", detail };
  }
  if ("reason" in engineResults.worker && !isExpectedFailure(engineResults))
    return {
      kind: "other_reason",
      detail: `${explain(engineResults.worker)}; ${explain(baseline)}`,
    };
  return undefined;
}

/** Whether the Worker refused the case, or crashed where the baseline crashes too. */
function isExpectedFailure({ worker, baseline }: Sides<EngineResult>): boolean {
  if (!("reason" in worker)) return true;
  if (worker.reason === "model_refused" || worker.reason === "input_refused") return true;
  return worker.reason === "crashed" && "reason" in baseline && baseline.reason === "crashed";
}

function explain({ reason, detail }: Pick<Outcome, "reason" | "detail">): string {
  return `${reason}: ${detail}`;
}

/** Adds the reason to each known difference. */
export function markKnown(
  results: readonly CaseResult[],
  known: readonly KnownDifference[],
): CaseResult[] {
  return results.map((result) => {
    const entry = known.find((one) => explains(one, result));
    if (!entry || !result.difference) return result;
    return { ...result, difference: { ...result.difference, why: entry.why } };
  });
}

/** Known differences that did not occur although their cases ran. */
export function findStale(
  results: readonly CaseResult[],
  known: readonly KnownDifference[],
): KnownDifference[] {
  return known.filter((entry) => {
    const ran = results.filter((result) => isOf(entry, result));
    return entry.always && ran.length > 0 && !ran.some((result) => explains(entry, result));
  });
}

function isOf(entry: KnownDifference, { name }: CaseResult): boolean {
  return name.split("/").at(-1) === entry.name;
}

function explains(entry: KnownDifference, result: CaseResult): boolean {
  const { difference } = result;
  return difference !== undefined && isOf(entry, result) && entry.kinds.includes(difference.kind);
}
