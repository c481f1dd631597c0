import type { BudgetName } from "./budget.ts";
import type { KeyState } from "./key-authority.ts";

/**
 * Isolates decide by themselves on the requests of a key, with slices of its budgets that the authority leases them. Messages
 * may be lost, late or sent twice: amounts are totals of a window, and of the requests of an isolate only the last one counts.
 */
export interface LeaseRequest {
  /** Of the isolate, for as long as it lives. */
  readonly isolate: string;
  /** Rises with each request of the isolate for the key. */
  readonly sequence: number;
  /** The key's id. */
  readonly key: string;
  readonly claims: readonly BudgetClaim[];
}

/** What an isolate has of a budget, and needs. */
export interface BudgetClaim {
  readonly budget: BudgetName;
  /** Whose slice the isolate has, as the authority numbered it; `undefined` for none. */
  readonly window: number | undefined;
  /** Of the slice, by work that is done or begun. It may be more than the slice where a cost is known only afterwards. */
  readonly used: number;
  /** Of the slice, what was used included; the rest is returned with this request. */
  readonly keeps: number;
  /** In addition to what it keeps, without which requests wait. */
  readonly needs: number;
  /** In addition to what it keeps, what it is likely to use soon: at least what it needs. */
  readonly wants: number;
  /** For how long slots are held without another request, in milliseconds; only of budgets without a window. */
  readonly holdMs?: number | undefined;
}

export interface LeaseReply {
  /** `unknown` for an id that no key has. Only an active key gets more than it has used. */
  readonly state: KeyState | "unknown";
  /** For each claim of a budget that the key has. */
  readonly grants: readonly BudgetGrant[];
}

/** What an isolate has of a budget now. */
export interface BudgetGrant {
  readonly budget: BudgetName;
  readonly window: number;
  /** Of the whole key. */
  readonly limit: number;
  /** The isolate's whole slice of the window, what it has used included. */
  readonly granted: number;
  /** What no isolate has. */
  readonly free: number;
  /** What other isolates have not used of their slices, as far as they have said, and may return. */
  readonly returnable: number;
  /** Until the window ends, by the clock of the authority; or the slots are given to others. */
  readonly resetMs: number;
  /** Whether that was less than the isolate needs. */
  readonly isRefused: boolean;
  /** Whether an isolate has needed more than there was a short while ago, so that unused slices should be returned soon. */
  readonly isScarce: boolean;
}

/** What a key has used in its current windows, as far as isolates have reported it. */
export type BudgetUsage = Readonly<Partial<Record<BudgetName, number>>>;

/** The part of the authority that leases budgets. */
export interface LeaseAuthority {
  lease(request: LeaseRequest): Promise<LeaseReply>;
  /** What a key has used in its current windows, as far as isolates have reported it: they do within seconds. */
  usage(key: string): Promise<BudgetUsage>;
}
