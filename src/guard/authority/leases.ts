import * as z from "zod";
import {
  BUDGET_NAMES,
  type Budget,
  type BudgetName,
  budgetsOf,
} from "../../domain/access/budget.ts";
import type { VerifiableKey } from "../../domain/access/key-authority.ts";
import type {
  BudgetClaim,
  BudgetGrant,
  BudgetUsage,
  LeaseReply,
  LeaseRequest,
} from "../../domain/access/lease.ts";
import { ApiError } from "../../domain/errors.ts";
import type { SqlStorage } from "../../domain/sql-storage.ts";
import { createLeaseTable, type SliceRow, type WindowRow } from "./lease-table.ts";

/** An isolate that only wants more gets this part of what is left, so that others find some too. */
const SHARE = 4;
/** For how long a budget is scarce after an isolate needed more than there was. */
const SCARCE_MS = 10_000;
/** Late reports of a window are counted for as long as this after its end; then its rows are removed. */
const KEPT_MS = 120_000;
const SWEEP_MS = 60_000;
/** The longest time for which slots are held without word of their isolate. */
const MAX_HOLD_MS = 900_000;

const amount = z.number().min(0).max(1e15);
const requestSchema = z.object({
  isolate: z.string().min(1).max(64),
  sequence: z.int().min(1),
  key: z.string().min(1).max(64),
  claims: z
    .array(
      z.object({
        budget: z.enum(BUDGET_NAMES as [BudgetName, ...BudgetName[]]),
        window: z.int().min(0).optional(),
        used: amount,
        keeps: amount,
        needs: amount,
        wants: amount,
        holdMs: z.int().min(0).max(MAX_HOLD_MS).optional(),
      }),
    )
    .max(BUDGET_NAMES.length),
});

export interface LeasesOptions {
  /** The key of an id, as it is now. */
  readonly find: (key: string) => VerifiableKey | undefined;
}

export type Leases = ReturnType<typeof createLeases>;

/**
 * Leases slices of the budgets of keys. What is leased of a window is never more than its limit, whatever happens to isolates: a slice counts as used until
 * its isolate returns it, and slots until their time is over.
 */
export function createLeases({ sql, transaction, now }: SqlStorage, { find }: LeasesOptions) {
  const table = createLeaseTable(sql);
  let sweptAt = 0;

  function grant(
    { isolate, sequence, key }: LeaseRequest,
    claim: BudgetClaim,
    { name, limit, windowSeconds }: Budget,
    isActive: boolean,
  ): BudgetGrant {
    const at = now();
    const isSlots = windowSeconds === undefined;
    const windowMs = (windowSeconds ?? 0) * 1000;
    const window = isSlots ? 0 : Math.floor(at / windowMs);
    const endsAt = isSlots ? at + (claim.holdMs ?? 0) : (window + 1) * windowMs;
    const known = table.slice(key, name, isolate);
    if (known && known.window < window) closeSlice(key, name, known, claim);
    const isHeld = known?.window === window && (!isSlots || known.endsAt > at);
    const slice = isHeld ? known : { granted: 0, used: 0 };
    const totals = table.window(key, name, window);
    const others = isSlots
      ? table.heldByOthers(key, name, isolate, at)
      : Math.max(0, totals.leased - slice.granted);
    const usedByOthers = isSlots ? 0 : totals.used - slice.used;
    const reply = (
      granted: number,
      { refusedAt, refusedBy }: Refusal,
      isRefused = false,
    ): BudgetGrant => ({
      budget: name,
      window,
      limit,
      granted,
      free: Math.max(0, limit - others - granted),
      returnable: Math.max(0, others - usedByOthers),
      resetMs: endsAt - at,
      isRefused,
      // What this isolate would return for itself, it may as well keep.
      isScarce: refusedBy !== isolate && refusedAt !== undefined && at - refusedAt < SCARCE_MS,
    });
    // A request that was overtaken by a later one, or arrives again.
    if (known && known.sequence >= sequence) return reply(slice.granted, totals);

    const isOfWindow = claim.window === window;
    const used = isOfWindow ? claim.used : 0;
    // What was granted without the isolate's knowledge, because the reply was lost, is returned.
    const kept = isOfWindow ? Math.min(claim.keeps, Math.max(slice.granted, used)) : 0;
    const room = limit - others;
    const base = Math.max(used, Math.min(kept, room));
    const free = Math.max(0, room - base);
    const more = isActive
      ? Math.min(free, Math.max(claim.needs, Math.min(claim.wants, Math.floor(free / SHARE))))
      : 0;
    const granted = base + more;
    const isRefused = isActive && more < claim.needs;
    const refusal = isRefused ? { refusedAt: at, refusedBy: isolate } : pickRefusal(totals);
    table.setSlice(key, name, isolate, { window, granted, used, sequence, endsAt });
    table.setWindow(key, name, window, {
      leased: isSlots ? 0 : others + granted,
      used: usedByOthers + (isSlots ? 0 : used),
      ...refusal,
      endsAt,
    });
    return reply(granted, refusal, isRefused);
  }

  /** The last word of an isolate on a window that has ended. */
  function closeSlice(key: string, name: BudgetName, slice: SliceRow, claim: BudgetClaim): void {
    if (claim.window !== slice.window) return;
    const { leased, used, ...refusal } = table.window(key, name, slice.window);
    table.setWindow(key, name, slice.window, {
      ...refusal,
      leased: leased - slice.granted + claim.used,
      used: used - slice.used + claim.used,
      endsAt: slice.endsAt,
    });
  }

  return {
    /** @throws ApiError `invalid_request` for what no isolate of this program sends */
    lease: (given: LeaseRequest): LeaseReply => {
      const parsed = requestSchema.safeParse(given);
      if (!parsed.success)
        throw new ApiError(
          "invalid_request",
          `The lease is not valid: ${z.prettifyError(parsed.error)}`,
        );
      const request = parsed.data as LeaseRequest;
      return transaction(() => {
        const at = now();
        if (at - sweptAt >= SWEEP_MS || at < sweptAt) {
          sweptAt = at;
          table.sweep(at - KEPT_MS);
        }
        const key = find(request.key);
        if (!key) return { state: "unknown", grants: [] };
        const budgets = new Map(budgetsOf(key.policy).map((budget) => [budget.name, budget]));
        const grants = request.claims.flatMap((claim) => {
          const budget = budgets.get(claim.budget);
          return budget ? [grant(request, claim, budget, key.state === "active")] : [];
        });
        return { state: key.state, grants };
      });
    },

    /** What the key has used in its current windows, as far as isolates have reported it. */
    usage: (key: string): BudgetUsage => table.usage(key, now()),
  };
}

type Refusal = Pick<WindowRow, "refusedAt" | "refusedBy">;

function pickRefusal({ refusedAt, refusedBy }: Refusal): Refusal {
  return { refusedAt, refusedBy };
}
