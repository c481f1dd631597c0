import { findDifference, IDENTICAL } from "./compare.ts";
import type { KnownDifference } from "./known-differences.ts";
import type { EngineAnswer, Outcome } from "./outcome.ts";

/** The ways in which the Worker can differ from plain ONNX Runtime Web. */
export const DIFFERENCE_KINDS = {
  worker_fails: "passes in ONNX Runtime Web, but not in the Worker",
  worker_passes: "passes in the Worker, but not in ONNX Runtime Web",
  other_reason: "fails in both, but in the Worker by something else than a refusal",
  other_values: "both answer, but not with the same bits",
  worker_ill: "the Worker answers other requests wrongly afterwards",
} as const;

export type DifferenceKind = keyof typeof DIFFERENCE_KINDS;

export interface Difference {
  readonly kind: DifferenceKind;
  readonly detail: string;
  /** From the list of known differences. */
  readonly why?: string;
}

/** What both sides made of one case. */
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

/** @param illness what is wrong with the Worker after the case */
export function toDifference(
  { worker, baseline }: Sides<Outcome>,
  answers: Sides<EngineAnswer>,
  illness: string | undefined,
): Difference | undefined {
  if (illness !== undefined) return { kind: "worker_ill", detail: illness };
  if (baseline.passed && !worker.passed) return { kind: "worker_fails", detail: explain(worker) };
  if (worker.passed && !baseline.passed)
    return { kind: "worker_passes", detail: explain(baseline) };
  if ("outputs" in answers.worker && "outputs" in answers.baseline) {
    const expected = answers.baseline.outputs.flat();
    const detail = findDifference(expected, answers.worker.outputs.flat(), IDENTICAL);
    return detail === undefined ? undefined : { kind: "other_values", detail };
  }
  if ("reason" in answers.worker && !isOrderly(answers))
    return { kind: "other_reason", detail: `${explain(answers.worker)}; ${explain(baseline)}` };
  return undefined;
}

/** A refusal, or a crash where the baseline crashes too. */
function isOrderly({ worker, baseline }: Sides<EngineAnswer>): boolean {
  if (!("reason" in worker)) return true;
  if (worker.reason === "model_refused" || worker.reason === "input_refused") return true;
  return worker.reason === "crashed" && "reason" in baseline && baseline.reason === "crashed";
}

function explain({ reason, detail }: Pick<Outcome, "reason" | "detail">): string {
  return `${reason}: ${detail}`;
}

/** Adds to the differences that are known why they are there. */
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

/** Known differences of cases that ran without them. */
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
