import { ApiError } from "./errors.ts";

export interface DeadlineOptions {
  /** From now on; no limit by default. */
  readonly timeoutMs?: number;
  readonly now?: () => number;
  /** How long a new call would wait, for `retry-after`. */
  readonly retryAfterMs?: () => number;
}

/** The time by which a call must be completed. It can only be brought forward. */
export class Deadline {
  readonly #now: () => number;
  readonly #retryAfterMs: () => number;
  readonly #startedAt: number;
  #timeoutMs: number;

  constructor({
    timeoutMs = Number.POSITIVE_INFINITY,
    now = () => performance.now(),
    retryAfterMs = () => 0,
  }: DeadlineOptions = {}) {
    this.#now = now;
    this.#retryAfterMs = retryAfterMs;
    this.#startedAt = now();
    this.#timeoutMs = timeoutMs;
  }

  /** Milliseconds from the start to the deadline. */
  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** Milliseconds that are left; 0 when the deadline has passed. */
  get remainingMs(): number {
    return Math.max(0, this.#timeoutMs - (this.#now() - this.#startedAt));
  }

  /** Brings the deadline forward to `timeoutMs` after the start; a later one changes nothing. */
  limit(timeoutMs: number): void {
    this.#timeoutMs = Math.min(this.#timeoutMs, timeoutMs);
  }

  /** @throws ApiError `deadline_exceeded` with `retryAfterSeconds` in its details */
  check(): void {
    const elapsedMs = this.#now() - this.#startedAt;
    if (elapsedMs <= this.#timeoutMs) return;
    throw deadlineExceeded(
      `The request's timeout of ${this.#timeoutMs} ms passed after ${Math.ceil(elapsedMs)} ms.`,
      this.#retryAfterMs(),
    );
  }
}

/** @param waitMs time after which a new request is likely to be completed by its deadline */
export function deadlineExceeded(message: string, waitMs: number): ApiError {
  const retryAfterSeconds = toRetryAfterSeconds(waitMs);
  return new ApiError("deadline_exceeded", `${message} Try again in ${retryAfterSeconds} s.`, {
    details: { retryAfterSeconds },
  });
}

/** Whole seconds, at least one, for `retry-after` (RFC 9110, section 10.2.3). */
export function toRetryAfterSeconds(waitMs: number): number {
  return Math.max(1, Math.ceil(waitMs / 1000));
}
