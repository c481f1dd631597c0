import type { ApiError } from "../../domain/errors.ts";

export interface RepeatOptions {
  /** Waits between two attempts. */
  readonly wait: (milliseconds: number) => Promise<void>;
  /** The error when others came first for too long. */
  readonly conflict: (attempts: number, waitedMs: number) => ApiError;
  readonly now?: () => number;
  /** Whether an attempt that failed is repeated as well; by default none. */
  readonly isRepeatable?: (error: unknown) => boolean;
}

const FIRST_WAIT_MS = 20;
/** R2 writes an object about once a second. */
const MAX_WAIT_MS = 1000;
/** Of all waits together. */
const MAX_WAITED_MS = 10_000;
/** Of the attempts too, which take long when storage does not answer. */
const MAX_ELAPSED_MS = 15_000;

/**
 * Repeats a compare-and-swap until no other writer comes first. The waits grow, and are drawn at random, so that writers that have met once do not meet again.
 * @param attempt returns `undefined` when another writer came first
 * @throws `conflict`, or the last error that is repeatable, when the waits have taken ten seconds, or with the attempts fifteen
 */
export async function repeatSwap<T>(
  attempt: () => Promise<T | undefined>,
  { wait, conflict, now = Date.now, isRepeatable = () => false }: RepeatOptions,
): Promise<T> {
  const startedAt = now();
  let failure: unknown;
  for (let waitedMs = 0, attempts = 1; ; attempts++) {
    try {
      const result = await attempt();
      if (result !== undefined) return result;
      failure = conflict(attempts, waitedMs);
    } catch (error) {
      if (!isRepeatable(error)) throw error;
      failure = error;
    }
    if (waitedMs >= MAX_WAITED_MS || now() - startedAt >= MAX_ELAPSED_MS) throw failure;
    const longestMs = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** attempts);
    const waitMs = Math.max(1, Math.random() * longestMs);
    waitedMs += waitMs;
    await wait(waitMs);
  }
}
