import { type After, afterTimeout, settlesWithin } from "../shared/settles-within.ts";

/** Time as the program sees it. */
export interface Clock {
  /** In milliseconds since the epoch. */
  now(): number;
  readonly after: After;
}

export const SYSTEM_CLOCK: Clock = { now: () => Date.now(), after: afterTimeout };

export function sleep(clock: Clock, milliseconds: number): Promise<void> {
  return new Promise((resolve) => void clock.after(milliseconds, resolve));
}

/**
 * Whether a promise settles in time, by a clock.
 * @throws what the promise rejects with
 */
export function settlesInTime(
  clock: Clock,
  promise: Promise<unknown>,
  milliseconds: number,
): Promise<boolean> {
  return settlesWithin(promise, milliseconds, (...timer) => clock.after(...timer));
}
