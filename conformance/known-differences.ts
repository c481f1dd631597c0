import type { DifferenceKind } from "./differences.ts";

export interface KnownDifference {
  /** The name of the case, without its parent folders. */
  readonly name: string;
  readonly kinds: readonly DifferenceKind[];
  /** The cause of the difference, and the reason to accept it. */
  readonly why: string;
  /** Whether it occurs in every run; when it no longer does, it must be removed from the list. */
  readonly always: boolean;
}

const UNSEEDED = {
  kinds: ["other_values", "worker_fails", "worker_passes"],
  why: "the operator draws random numbers and the model gives no seed",
  always: false,
} as const;

/** Differences that a run accepts. */
export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  { name: "test_bernoulli", ...UNSEEDED },
  { name: "test_bernoulli_double", ...UNSEEDED },
  { name: "test_bernoulli_double_expanded", ...UNSEEDED },
  { name: "test_bernoulli_expanded", ...UNSEEDED },
];
