/** A message is given up after a day: its receiver was out of reach for longer than most outages last. */
export const GIVE_UP_AFTER_MS = 86_400_000;

const FIRST_DELAY_MS = 5000;
const GROWTH = 4;
const MAX_DELAY_MS = 14_400_000;
/** Of a delay: receivers that failed together are not asked again together. */
const JITTER = 0.2;

/** What is known of a message that was not delivered. */
export interface FailedAttempt {
  /** With this one. */
  readonly attempts: number;
  readonly createdAt: number;
  /** What the receiver asks for. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * When a message is sent again: 5 s later, then each time after four times as long, 4 hours at most, and for the last time a day after
 * it was created.
 * @param random from 0 to 1
 * @returns `undefined` when it is given up
 */
export function nextAttemptAt(
  { attempts, createdAt, retryAfterMs = 0 }: FailedAttempt,
  now: number,
  random: number,
): number | undefined {
  const lastAt = createdAt + GIVE_UP_AFTER_MS;
  if (now >= lastAt) return undefined;
  const delay = Math.min(FIRST_DELAY_MS * GROWTH ** (attempts - 1), MAX_DELAY_MS);
  // Times are stored as integers.
  const jittered = Math.round(delay * (1 + JITTER * (2 * random - 1)));
  return Math.min(now + Math.max(jittered, retryAfterMs), lastAt);
}

/**
 * The header `retry-after` (RFC 9110, section 10.2.3): seconds, or a date.
 * @returns milliseconds from now on; `undefined` for anything else
 */
export function parseRetryAfter(text: string | null, now: number): number | undefined {
  if (text === null) return undefined;
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
