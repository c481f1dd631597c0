import type { AbortSignalLike } from "./fetch-types.ts";

/** Statuses after which a retry may succeed: too many requests, a gateway's failure, a model that is not loaded yet. */
const RETRYABLE_STATUSES: readonly number[] = [429, 502, 503];

const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 5000;

/** Codes of refusals that last: a quota is of a day, and a wrong key remains wrong. */
const LASTING: readonly string[] = ["quota_exceeded", "too_many_attempts"];

/** Whether the same request may succeed when it is sent again. @param code of the error, if the response has one */
export function isRetryable(status: number, code: string): boolean {
  return RETRYABLE_STATUSES.includes(status) && !LASTING.includes(code);
}

/**
 * The delay before the next attempt: an exponential backoff with jitter, so that clients that failed together do not
 * retry together, but at least what the server requires.
 * @param attempt 0 after the first attempt
 */
export function retryDelayMs(attempt: number, retryAfterSeconds: number | undefined): number {
  const backoffMs = Math.min(FIRST_BACKOFF_MS * 2 ** attempt, LONGEST_BACKOFF_MS);
  const jitteredMs = (backoffMs * (1 + Math.random())) / 2;
  return Math.max((retryAfterSeconds ?? 0) * 1000, jitteredMs);
}

/** HTTP dates begin with the day's name; `Date.parse` accepts almost anything. */
const HTTP_DATE = /^\s*[A-Z][a-z]{2,8},? /;

/** Parses `retry-after` (RFC 9110, section 10.2.3): seconds, or a date. */
export function parseRetryAfter(
  text: string | null | undefined,
  now: number = Date.now(),
): number | undefined {
  if (!text) return undefined;
  if (/^\s*\d{1,10}\s*$/.test(text)) return Number(text);
  const date = HTTP_DATE.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, (date - now) / 1000);
}

/** @throws the signal's reason, as soon as it is aborted */
export function sleep(milliseconds: number, signal: AbortSignalLike | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}
