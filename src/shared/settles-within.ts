/** Calls back after a time; the returned function keeps it from doing so. */
export type After = (milliseconds: number, callback: () => void) => () => void;

export const afterTimeout: After = (milliseconds, callback) => {
  const timer = setTimeout(callback, milliseconds);
  return () => clearTimeout(timer);
};

/**
 * Whether a promise settles in time.
 * @param after another clock than that of the system
 * @throws what the promise rejects with
 */
export async function settlesWithin(
  promise: Promise<unknown>,
  milliseconds: number,
  after: After = afterTimeout,
): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const cancel = after(milliseconds, () => resolve(false));
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    cancel();
  }
}

/** By which a caller needs what it waits for. */
export interface WaitDeadline {
  readonly remainingMs: number;
  /** @throws when it has passed */
  check(): void;
}

/**
 * {@link settlesWithin}, but no longer than until the caller's own deadline.
 * @throws what the promise rejects with, and what the deadline's check throws
 */
export async function settlesBefore(
  promise: Promise<unknown>,
  milliseconds: number,
  deadline: WaitDeadline | undefined,
): Promise<boolean> {
  // A timer may fire a little before its time has passed by the deadline's clock.
  for (let waitedMs = 0; waitedMs < milliseconds; ) {
    const restMs = milliseconds - waitedMs;
    const waitMs = Math.min(restMs, deadline?.remainingMs ?? restMs);
    if (await settlesWithin(promise, waitMs)) return true;
    deadline?.check();
    waitedMs += Math.max(waitMs, 1);
  }
  return false;
}

/**
 * Waits for work that others may need as well, and that goes on, until the caller's own deadline.
 * @throws what the promise rejects with, and what the deadline's check throws
 */
export async function beforeDeadline<T>(
  work: Promise<T>,
  deadline: WaitDeadline | undefined,
): Promise<T> {
  if (deadline && Number.isFinite(deadline.remainingMs))
    await settlesBefore(work, MAX_TIMER_MS, deadline);
  return work;
}

/** A longer timer fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
