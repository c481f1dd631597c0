import type { Deadline } from "./deadline.ts";

/** The permit of an admitted request, which must always be released. */
export interface Permit {
  /** From the request's arrival. */
  readonly deadline: Deadline;
  /**
   * Queues behind the requests that arrived earlier; those that arrive meanwhile are counted.
   * @returns `undefined` when there was no need to wait
   */
  acquire(): Promise<void> | undefined;
  /** Ends the time slice during long work, and queues behind the requests that wait already. */
  yield(): Promise<void>;
  /** @param serviceMs for how long the request kept the isolate busy; `undefined` if that is unknown */
  release(serviceMs: number | undefined): void;
}

/** Decides which requests may queue for the isolate. */
export interface Admission {
  /**
   * @param timeoutMs the request's own; by default the configured one
   * @throws ApiError `overloaded` or `deadline_exceeded`, with `retryAfterSeconds` in its details
   */
  admit(timeoutMs?: number): Permit;
}
