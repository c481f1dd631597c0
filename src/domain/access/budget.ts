import type { KeyPolicy } from "./key-policy.ts";

/** What budgets are counted in. */
export type BudgetUnit = "requests" | "tokens" | "cpu-milliseconds" | "concurrent-requests";

/** A kind of budget that the policy of a key may have. */
export interface BudgetDefinition {
  readonly unit: BudgetUnit;
  /** Windows of this length begin at the epoch, so that a day begins at 00:00 UTC; absent for what is in use at the same time. */
  readonly windowSeconds?: number;
  limit(policy: KeyPolicy): number | undefined;
}

const MINUTE = 60;
const DAY = 86_400;

/** By their names, which clients see as names of quota policies. */
export const BUDGETS = {
  "requests-per-minute": {
    unit: "requests",
    windowSeconds: MINUTE,
    limit: ({ rate }) => rate?.requestsPerMinute,
  },
  "tokens-per-minute": {
    unit: "tokens",
    windowSeconds: MINUTE,
    limit: ({ rate }) => rate?.tokensPerMinute,
  },
  "requests-per-day": {
    unit: "requests",
    windowSeconds: DAY,
    limit: ({ quota }) => quota?.requestsPerDay,
  },
  "tokens-per-day": {
    unit: "tokens",
    windowSeconds: DAY,
    limit: ({ quota }) => quota?.tokensPerDay,
  },
  "cpu-ms-per-day": {
    unit: "cpu-milliseconds",
    windowSeconds: DAY,
    limit: ({ quota }) => quota?.cpuMsPerDay,
  },
  concurrency: { unit: "concurrent-requests", limit: ({ concurrency }) => concurrency },
} as const satisfies Record<string, BudgetDefinition>;

export type BudgetName = keyof typeof BUDGETS;

export const BUDGET_NAMES = Object.keys(BUDGETS) as readonly BudgetName[];

/** Parts of a unit that are counted: sums and differences of their multiples are exact. */
const PARTS = 1024;

/** An amount as it is counted, rounded up. */
export function toAmount(value: number): number {
  return Math.ceil(value * PARTS) / PARTS;
}

/** A budget of a key. */
export interface Budget {
  readonly name: BudgetName;
  readonly unit: BudgetUnit;
  readonly windowSeconds: number | undefined;
  readonly limit: number;
}

/** The budgets of a policy; none of a key that may use everything as often as it likes. */
export function budgetsOf(policy: KeyPolicy): readonly Budget[] {
  const budgets: Budget[] = [];
  for (const name of BUDGET_NAMES) {
    const definition: BudgetDefinition = BUDGETS[name];
    const limit = definition.limit(policy);
    const { unit, windowSeconds } = definition;
    if (limit !== undefined) budgets.push({ name, unit, windowSeconds, limit });
  }
  return budgets;
}
