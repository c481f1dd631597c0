import type { DifferenceKind } from "./differences.ts";

export interface KnownDifference {
  /** The case, without the folders that it lies in. */
  readonly name: string;
  readonly kinds: readonly DifferenceKind[];
  /** Why it is there, and why it is right to leave it. */
  readonly why: string;
  /** Whether it happens in every run; one that does not any more is to be taken out of the list. */
  readonly always: boolean;
}

const BY_CHANCE = {
  kinds: ["other_values", "worker_fails", "worker_passes"],
  why: "the operator draws random numbers and the model gives no seed",
  always: false,
} as const;

/** Differences that a run accepts. */
export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  { name: "test_bernoulli", ...BY_CHANCE },
  { name: "test_bernoulli_double", ...BY_CHANCE },
  { name: "test_bernoulli_double_expanded", ...BY_CHANCE },
  { name: "test_bernoulli_expanded", ...BY_CHANCE },
];
