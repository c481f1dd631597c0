import type { ExitReason } from "../exit-codes.ts";

interface Refusal {
  readonly reason: ExitReason;
  readonly hint: string;
}

const LIMITED =
  "npx onnxflare keys show ID has the limits and the usage of the key, and keys update ID changes them";

/** What the guard of the service refuses with, and what to do about it. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  unauthorized: {
    reason: "unauthorized",
    hint: "give an API key, or the server's ADMIN_KEY, by the environment variable ONNXFLARE_KEY or by --key; npx onnxflare keys list has the states of keys",
  },
  forbidden: {
    reason: "unauthorized",
    hint: "use another key by ONNXFLARE_KEY or --key, or give this one what it lacks: npx onnxflare keys update ID --scopes ... --models ...",
  },
  rate_limited: { reason: "limited", hint: `wait, or slow down; ${LIMITED}` },
  quota_exceeded: {
    reason: "limited",
    hint: `quotas are of a day that begins at 00:00 UTC; ${LIMITED}`,
  },
  too_many_attempts: {
    reason: "limited",
    hint: "too many requests of this address had a wrong key: correct it, and wait",
  },
  authority_unavailable: {
    reason: "serverFailed",
    hint: "the Durable Object KEYS, which has the API keys and the audit log, can't be reached: try again; npx wrangler tail shows why",
  },
  monitoring_unavailable: {
    reason: "serverFailed",
    hint: "the Durable Object METRICS, which has what was collected of requests, can't be reached: try again; npx wrangler tail shows why",
  },
};

/** By the code of an error, or by its status where it has none of these. */
export function findRefusal(code: string | undefined, status: number): Refusal | undefined {
  if (code !== undefined && Object.hasOwn(REFUSALS, code)) return REFUSALS[code];
  if (status === 401) return REFUSALS.unauthorized;
  return status === 403 ? REFUSALS.forbidden : undefined;
}

/** For a longer time nobody waits: a quota may be used up until tomorrow. */
const LONGEST_WAIT_SECONDS = 120;

/** Whether an answer is worth waiting for, by what the server says of the time. */
export function isWorthWaiting(code: string | undefined, retryAfterSeconds: unknown): boolean {
  if (code === "quota_exceeded" || code === "too_many_attempts") return false;
  return typeof retryAfterSeconds !== "number" || retryAfterSeconds <= LONGEST_WAIT_SECONDS;
}
