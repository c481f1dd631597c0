import type { Budget, BudgetUnit } from "../domain/access/budget.ts";
import { ApiError } from "../domain/errors.ts";

/** A budget of which a request needs more than there is. */
export interface Violation {
  readonly budget: Budget;
  /** What the request needs. */
  readonly amount: number;
  readonly remaining: number;
  readonly resetSeconds: number | undefined;
}

const UNITS: Readonly<Record<BudgetUnit, string>> = {
  requests: "requests",
  tokens: "tokens",
  "cpu-milliseconds": "ms of CPU time",
  "concurrent-requests": "requests in flight",
};

/** How long a client waits for a slot, for which nobody knows when it is free. */
const SLOT_RETRY_SECONDS = 1;
const DAY_SECONDS = 86_400;

/** The error of a request that needs more than its key has, after which it may be sent again. */
export function exceeded(violations: readonly Violation[], now: number): ApiError {
  const retryAfterSeconds = Math.max(
    ...violations.map((violation) => violation.resetSeconds ?? SLOT_RETRY_SECONDS),
  );
  const isQuota = violations.some(({ budget }) => budget.windowSeconds === DAY_SECONDS);
  const message = violations.map((violation) => describe(violation, now)).join(" ");
  return new ApiError(
    isQuota ? "quota_exceeded" : "rate_limited",
    `${message} Try again in ${retryAfterSeconds} s.`,
    {
      details: {
        violatedPolicies: violations.map(({ budget }) => budget.name),
        retryAfterSeconds,
        ...toTokenDetails(violations),
      },
    },
  );
}

function describe({ budget, amount, remaining, resetSeconds }: Violation, now: number): string {
  const { limit, unit, windowSeconds } = budget;
  const unitName = UNITS[unit];
  if (windowSeconds === undefined)
    return `The API key has its ${limit} ${unitName} at the same time already.`;
  const window = windowSeconds === DAY_SECONDS ? "day" : "minute";
  const kind = windowSeconds === DAY_SECONDS ? "quota" : "rate";
  const begin = `The API key's ${kind} is ${limit} ${unitName} a ${window}`;
  if (unit === "tokens" && remaining > 0)
    return `${begin}, of which ${Math.floor(remaining)} are left, and the request may need ${amount}: ask for fewer tokens, or wait.`;
  const reset = new Date(now + (resetSeconds ?? 0) * 1000).toISOString();
  return `${begin}, which ${remaining > 0 ? "is nearly used" : "are used"} up until ${reset.slice(0, 19)}Z.`;
}

function toTokenDetails(violations: readonly Violation[]): object {
  const tokens = violations.filter(({ budget }) => budget.unit === "tokens");
  if (tokens.length === 0) return {};
  return {
    neededTokens: Math.max(...tokens.map(({ amount }) => amount)),
    remainingTokens: Math.floor(Math.min(...tokens.map(({ remaining }) => remaining))),
  };
}
