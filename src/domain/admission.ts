import type { Deadline } from "./deadline.ts";

/** The permission to be served, to be released in any case. */
export interface Permit {
  /** From the request's arrival. */
  readonly deadline: Deadline;
  /**
   * Queues behind the requests that arrived earlier; those that arrive meanwhile are counted.
   * @returns `undefined` when there was no need to wait
   */
  acquire(): Promise<void> | undefined;
  /** Ends the time slice in the middle of long work, and queues behind those who wait already. */
  yield(): Promise<void>;
  /** @param serviceMs for how long the request kept the isolate busy; `undefined` when that is not known */
  release(serviceMs: number | undefined): void;
}

/** Decides which requests may queue for the isolate. */
export interface Admission {
  /**
   * @param timeoutMs the request's own; the configured one when left out
   * @throws ApiError `overloaded` or `deadline_exceeded`, with `retryAfterSeconds` in its details
   */
  admit(timeoutMs?: number): Permit;
}
