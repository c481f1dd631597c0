import type { InputForm, TaskPart } from "../task.ts";
import type { Tensor } from "../tensor.ts";

/** What a distance between two answers is. It is never negative, finite, and 0 for identical answers. */
export const MEASURES = {
  score_difference:
    "the largest difference between the scores of a label; a label that one answer lacks counts with its score",
  centre_difference:
    "the largest difference between the distances to a cluster's centre; a cluster that one answer lacks counts with its distance",
  ranking_difference:
    "the largest difference between the scores of a text; a text that one answer lacks counts with its score",
  absolute_difference: "the largest difference between two values at the same place",
  cosine_distance: "1 minus the cosine of the angle between two vectors",
  box_mismatch:
    "1 minus twice the number of matched boxes divided by that of all; boxes of one label match from an intersection over union of 0.5 on",
  entity_mismatch:
    "1 minus twice the number of equal entities divided by that of all; equal ones have label, start and end in common",
  edit_distance:
    "the tokens (or words, where tokens are not known) to insert, delete or replace, divided by those of the longer text",
  speech_mismatch:
    "1 minus the seconds that both count as speech, divided by those that either does",
  structure:
    "1 for answers that cannot be compared: of different form, shape, datatype or number of items",
  non_finite:
    "the number of values that are not finite in one answer and another value in the other",
  error: "1 where one request failed, or both with different codes",
} as const;

export type Measure = keyof typeof MEASURES;

/** The comparison of two answers to one request. It does not depend on which of them is the first one. */
export interface Comparison {
  /** Whether a client would take one for the other, by the tolerance of the task: `docs/shadow.md`. */
  readonly same: boolean;
  readonly measure: Measure;
  readonly distance: number;
  /** Counts and differences; never a part of an input or an answer. */
  readonly detail?: Readonly<Record<string, number>> | undefined;
}

/** An answer to be compared. */
export type Answer =
  | {
      readonly kind: "value";
      /** The result of a task, as it is serialized. */
      readonly value: unknown;
      /** Needed to tell cosines of a comparison of sentences from a vector. */
      readonly form?: InputForm | undefined;
    }
  /** Of a streamed result: all parts, or as many of both. */
  | { readonly kind: "parts"; readonly parts: readonly TaskPart[] }
  /** The outputs of a run. */
  | { readonly kind: "tensors"; readonly tensors: readonly Tensor[] }
  | { readonly kind: "error"; readonly code: string };

export interface CompareOptions {
  /** With which both texts may begin; it is not compared. */
  readonly prompt?: string | undefined;
}

/** Compares two values of one task, each an item or a list of items. */
export type CompareValues = (
  first: unknown,
  second: unknown,
  options: CompareOptions,
) => Comparison;

export const DIFFERENT_STRUCTURE: Comparison = { same: false, measure: "structure", distance: 1 };

/** Of answers whose form is not that of their task. */
export function compareStructure(first: unknown, second: unknown): Comparison {
  const same = isDeeplyEqual(first, second);
  return { same, measure: "structure", distance: same ? 0 : 1 };
}

/** Of JSON values; NaN equals NaN. */
function isDeeplyEqual(first: unknown, second: unknown): boolean {
  if (Object.is(first, second) || first === second) return true;
  if (typeof first !== "object" || typeof second !== "object" || !first || !second) return false;
  if (Array.isArray(first) !== Array.isArray(second)) return false;
  const entries = Object.entries(first);
  const others = new Map(Object.entries(second));
  return (
    entries.length === others.size &&
    entries.every(([key, value]) => others.has(key) && isDeeplyEqual(value, others.get(key)))
  );
}

/** A difference as JSON can hold it. */
export function toFinite(distance: number): number {
  return Math.min(distance, Number.MAX_VALUE);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isListOf<T>(
  value: unknown,
  isItem: (item: unknown) => item is T,
): value is readonly T[] {
  return Array.isArray(value) && value.every(isItem);
}
