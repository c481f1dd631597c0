import { type Budget, type BudgetName, budgetsOf, toAmount } from "../domain/access/budget.ts";
import type { KeyPolicy } from "../domain/access/key-policy.ts";
import type { LeaseAuthority } from "../domain/access/lease.ts";
import type { Limiter, Ticket } from "../domain/access/limiter.ts";
import { type Clock, SYSTEM_CLOCK } from "../domain/clock.ts";
import { KeyBudgets } from "./key-budgets.ts";
import { KeyTicket } from "./ticket.ts";

export interface LimiterOptions {
  readonly authority: LeaseAuthority;
  /** The longest time from the admission of a request to its end. */
  readonly longestMs: number;
  readonly clock?: Clock;
}

interface Account {
  readonly budgets: KeyBudgets;
  /** The moving average of a request's CPU time. */
  cpuMs: number;
}

/** Budgets of so many keys are kept; then those are dropped that nobody uses. */
const MAX_ACCOUNTS = 1000;
const IDLE_MS = 60_000;
/** Part of the last cost in the moving average. */
const COST_WEIGHT = 0.2;
/** At most this part of a budget of CPU time is reserved for a request, whose cost is not known before. */
const MAX_RESERVED_COST = 0.02;
const MIN_COST_MS = 0.001;

/** Admits requests by slices of their keys' budgets, which the authority leases this isolate. */
export function createLimiter({
  authority,
  longestMs,
  clock = SYSTEM_CLOCK,
}: LimiterOptions): Limiter {
  const accounts = new Map<string, Account>();
  const known = new WeakMap<KeyPolicy, readonly Budget[]>();

  function toBudgets(policy: KeyPolicy): readonly Budget[] {
    const budgets = known.get(policy) ?? budgetsOf(policy);
    known.set(policy, budgets);
    return budgets;
  }

  function accountOf(key: string): Account {
    const account = accounts.get(key);
    if (account) return account;
    if (accounts.size >= MAX_ACCOUNTS) dropIdle();
    const added = { budgets: new KeyBudgets(key, { authority, clock, longestMs }), cpuMs: 0 };
    accounts.set(key, added);
    return added;
  }

  function dropIdle(): void {
    const before = clock.now() - IDLE_MS;
    for (const [key, { budgets }] of accounts)
      if (budgets.usedAt < before && !budgets.isInUse) accounts.delete(key);
  }

  return {
    admit(policy, { waitUntil }): Ticket | undefined | Promise<Ticket> {
      const list = toBudgets(policy);
      if (list.length === 0) return undefined;
      const account = accountOf(policy.id);
      const { budgets } = account;
      budgets.follow(list);
      const amounts = toAmounts(list, account.cpuMs);
      const onCost = (cpuMs: number): void => {
        account.cpuMs += (cpuMs - account.cpuMs) * COST_WEIGHT;
      };
      const toTicket = (taken: NonNullable<ReturnType<KeyBudgets["take"]>>): Ticket => {
        budgets.maintain(waitUntil);
        return new KeyTicket({ budgets, clock, waitUntil, onCost }, taken, amounts);
      };
      const taken = budgets.take(amounts);
      return taken ? toTicket(taken) : budgets.obtain(amounts, waitUntil).then(toTicket);
    },
    limits: ({ id }) => accountOf(id).budgets.limits(),
  };
}

/** What a request reserves when it is admitted; tokens when their number is known. */
function toAmounts(budgets: readonly Budget[], cpuMs: number): Map<BudgetName, number> {
  return new Map(
    budgets.map(({ name, unit, limit }) => {
      if (unit === "tokens") return [name, 0];
      if (unit === "cpu-milliseconds")
        return [name, toAmount(Math.max(MIN_COST_MS, Math.min(cpuMs, limit * MAX_RESERVED_COST)))];
      return [name, 1];
    }),
  );
}
