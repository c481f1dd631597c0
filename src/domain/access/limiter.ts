import type { WaitUntil } from "../call.ts";
import type { Budget } from "./budget.ts";
import type { KeyPolicy } from "./key-policy.ts";

/** What is left of a budget, as far as the isolate knows. */
export interface ServiceLimit {
  readonly budget: Budget;
  readonly remaining: number;
  /** Until the window ends, rounded up; absent for what is in use at the same time. */
  readonly resetSeconds: number | undefined;
}

/** Counts the tokens of a call against the budgets of its key. */
export interface TokenMeter {
  /**
   * To be awaited before tokens are read or generated: reserves them, so that a key never gets more than its quota. What turns out not to be
   * needed is released when the call has ended.
   * @param total the tokens of the call, or of this fork of it, from its beginning
   * @throws ApiError `rate_limited`, `quota_exceeded`, `authority_unavailable`
   */
  reserve(total: number): Promise<void>;
  /**
   * Reserves tokens that this call and its forks will need together.
   * @throws ApiError what {@link reserve} throws
   */
  prepare(total: number): Promise<void>;
  /** Counts for a part of the call whose tokens are counted from zero. */
  fork(): TokenMeter;
}

/** What a request consumed. */
export interface Consumption {
  /** Read and generated; what was reserved when left out. */
  readonly tokens?: number | undefined;
  readonly cpuMs: number;
  /** Whether the service refused or failed the request, which then does not count as one. */
  readonly isVoid?: boolean;
}

/** A request of a key that has budgets; it must be ended. */
export interface Ticket {
  /** Absent for a key without budgets of tokens. */
  readonly meter: TokenMeter | undefined;
  /** Of all budgets of the key, in the order of their definition. */
  limits(): readonly ServiceLimit[];
  /** To be called once, when the response has ended: charges what was consumed, and releases the rest. */
  end(consumption: Consumption): void;
}

export interface TicketOptions {
  readonly waitUntil: WaitUntil;
}

/** Decides whether the requests of a key are within its budgets. */
export interface Limiter {
  /**
   * @returns `undefined` for a key without budgets; a promise only where the authority must be asked
   * @throws ApiError `rate_limited`, `quota_exceeded` with `violatedPolicies` and `retryAfterSeconds` in their details,
   *   `authority_unavailable`, `unauthorized`
   */
  admit(policy: KeyPolicy, options: TicketOptions): Ticket | undefined | Promise<Ticket>;
  /** Of all budgets of a key, also of one whose request was refused. */
  limits(policy: KeyPolicy): readonly ServiceLimit[];
}
