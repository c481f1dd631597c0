import type { Budget, BudgetUnit } from "../domain/access/budget.ts";
import type { ServiceLimit } from "../domain/access/limiter.ts";

/** Units of the draft's registry, and others. "requests" is the default. */
const UNITS: Readonly<Record<BudgetUnit, string | undefined>> = {
  requests: undefined,
  tokens: "tokens",
  "cpu-milliseconds": "cpu-milliseconds",
  "concurrent-requests": "concurrent-requests",
};

/**
 * `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10): Lists of Items, whose value is the name of the
 * budget. All values are names and integers, which need no escaping.
 */
export function toRateLimitHeaders(limits: readonly ServiceLimit[]): Record<string, string> {
  const policies = limits.map(({ budget }) => policyOf(budget));
  const states = limits.map(
    ({ budget: { name }, remaining, resetSeconds }) =>
      `"${name}";r=${remaining}${resetSeconds === undefined ? "" : `;t=${resetSeconds}`}`,
  );
  return { "ratelimit-policy": policies.join(", "), ratelimit: states.join(", ") };
}

/** The item of a budget, which is the same object for as long as its key has the same policy. */
const POLICIES = new WeakMap<Budget, string>();

function policyOf(budget: Budget): string {
  const known = POLICIES.get(budget);
  if (known !== undefined) return known;
  const { name, limit, unit, windowSeconds } = budget;
  const units = UNITS[unit];
  const policy = `"${name}";q=${Math.floor(limit)}${units ? `;qu="${units}"` : ""}${windowSeconds ? `;w=${windowSeconds}` : ""}`;
  POLICIES.set(budget, policy);
  return policy;
}

/**
 * The headers of OpenAI's API, of which each has one budget of requests and one of tokens: the one of which the smallest part is left.
 * https://platform.openai.com/docs/guides/rate-limits
 */
export function toOpenAiHeaders(limits: readonly ServiceLimit[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const unit of ["requests", "tokens"] as const) {
    const scarcest = limits
      .filter(({ budget }) => budget.unit === unit)
      .reduce<ServiceLimit | undefined>(
        (least, each) => (least && partLeft(least) <= partLeft(each) ? least : each),
        undefined,
      );
    if (!scarcest) continue;
    const { budget, remaining, resetSeconds = 0 } = scarcest;
    headers[`x-ratelimit-limit-${unit}`] = String(Math.floor(budget.limit));
    headers[`x-ratelimit-remaining-${unit}`] = String(remaining);
    headers[`x-ratelimit-reset-${unit}`] = toDuration(resetSeconds);
  }
  return headers;
}

function partLeft({ budget, remaining }: ServiceLimit): number {
  return budget.limit > 0 ? remaining / budget.limit : 0;
}

/** As OpenAI writes durations: `1s`, `6m0s`, `23h59m59s`. */
function toDuration(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = `${seconds % 60}s`;
  if (hours > 0) return `${hours}h${minutes}m${rest}`;
  return minutes > 0 ? `${minutes}m${rest}` : rest;
}
