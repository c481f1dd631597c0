import type { Budget } from "../domain/access/budget.ts";
import type { BudgetClaim, BudgetGrant } from "../domain/access/lease.ts";

/** An isolate asks for as much as it uses in this time. */
const HORIZON_MS = 10_000;
/** It asks for so many times what it needs first, and then for as many times what it has used since it was asked last, at most. */
const GROWTH = 4;
/** Shorter times between two requests say little about how much is used. */
const MIN_MEASURED_MS = 100;
/** For how long the authority's word counts that there is not enough. */
const DENIED_MS = 500;
/** Each time that it says so again, it counts for twice as long, up to this. */
const MAX_DENIED_MS = 8000;
/** The same where no other isolate has anything to return. */
const EXHAUSTED_MS = 15_000;
const DENIED_SLOT_MS = 100;

export interface SliceTimes {
  readonly sentAt: number;
  readonly receivedAt: number;
  /** Slots are used for new requests only while those can end before the slots are given to others. */
  readonly slotMarginMs: number;
}

/** What an isolate has of one window of a budget. */
export class Slice {
  readonly window: number;
  /** The authority's word that the key has this limit, to which the policy that the isolate knew then said another or the same. */
  limit: number;
  /** The limit of the policy with which the isolate asked last. */
  askedLimit: number;
  /** The whole slice, what was used included. */
  granted = 0;
  /** By work that has ended. */
  used = 0;
  /** By work that has begun: at most so much. */
  reserved = 0;
  /** What no isolate had, when the authority was asked last. */
  free = 0;
  isScarce = false;
  /** Until when the slice may be used: the end of the window, or somewhat before. */
  usableUntil = 0;
  /** The end of the window, or somewhat after. */
  resetAt = 0;
  deniedUntil = 0;
  #takenSince = 0;
  #askedAt: number | undefined;
  #lastGrant = 0;
  #reported = 0;
  #denials = 0;

  constructor(budget: Budget, window: number) {
    this.window = window;
    this.limit = budget.limit;
    this.askedLimit = budget.limit;
  }

  get taken(): number {
    return this.used + this.reserved;
  }

  get available(): number {
    return this.granted - this.taken;
  }

  /** What is left of the whole budget, as far as it is known. */
  get remaining(): number {
    return Math.max(0, this.free + this.available);
  }

  /** Whether it should be renewed before it is used up. */
  get isLow(): boolean {
    return this.available < this.#lastGrant / 2;
  }

  /** Whether the authority knows all that was used. */
  get isReported(): boolean {
    return this.#reported === this.taken;
  }

  isUsable(budget: Budget, now: number): boolean {
    return now < this.usableUntil && this.askedLimit === budget.limit;
  }

  reserve(amount: number): void {
    this.reserved += amount;
    this.#takenSince += Math.max(0, amount);
  }

  /** Of what was reserved, charges what was used, which may be more. */
  settle(reserved: number, used: number): void {
    this.reserved -= reserved;
    this.used += used;
    this.#takenSince += Math.max(0, used - reserved);
    // The authority has not said yet whether what is free now is enough.
    if (used < reserved) this.deniedUntil = 0;
  }

  /** The claim for the next request of the isolate. What it does not keep cannot be used any more. */
  claim(
    budget: Budget,
    needs: number,
    keepsUnused: boolean,
    now: number,
  ): Omit<BudgetClaim, "holdMs"> {
    const keeps = keepsUnused ? Math.max(this.granted, this.taken) : this.taken;
    const wants = keepsUnused || needs > 0 ? Math.max(needs, this.#expected(needs, now)) : 0;
    this.free += this.granted - keeps;
    this.granted = keeps;
    this.askedLimit = budget.limit;
    this.#takenSince = 0;
    this.#askedAt = now;
    this.#reported = this.taken;
    return { budget: budget.name, window: this.window, used: this.taken, keeps, needs, wants };
  }

  /** What it will take soon, as fast as since it was asked last, beside what it has. */
  #expected(needs: number, now: number): number {
    if (this.isScarce) return needs;
    if (this.#askedAt === undefined) return needs * GROWTH;
    const elapsedMs = Math.max(MIN_MEASURED_MS, now - this.#askedAt);
    const expected = (this.#takenSince / elapsedMs) * HORIZON_MS - Math.max(0, this.available);
    return Math.ceil(Math.min(expected, (needs + this.#takenSince) * GROWTH));
  }

  /** @param needs what the claim had needed */
  apply(grant: BudgetGrant, budget: Budget, needs: number, times: SliceTimes): void {
    const { sentAt, receivedAt, slotMarginMs } = times;
    const more = grant.granted - this.granted;
    if (more > 0) this.#lastGrant = more;
    this.#askedAt ??= sentAt;
    this.granted = grant.granted;
    this.limit = grant.limit;
    this.free = grant.free;
    this.isScarce = grant.isScarce;
    const isSlots = budget.windowSeconds === undefined;
    // The authority has measured after the request was sent, and before its reply arrived.
    this.usableUntil = sentAt + grant.resetMs - (isSlots ? slotMarginMs : 0);
    this.resetAt = receivedAt + grant.resetMs;
    const isDenied = grant.isRefused;
    const isExhausted = grant.free + grant.returnable < needs - more;
    if (needs > 0) this.#denials = isDenied ? this.#denials + 1 : 0;
    const again = Math.min(MAX_DENIED_MS, DENIED_MS * 2 ** (this.#denials - 1));
    const deniedMs = isSlots ? DENIED_SLOT_MS : isExhausted ? EXHAUSTED_MS : again;
    this.deniedUntil = isDenied ? receivedAt + deniedMs : 0;
  }
}

/** The claim of an isolate that has no slice of the current window. */
export function firstClaim(budget: Budget, needs: number): Omit<BudgetClaim, "holdMs"> {
  const wants = budget.windowSeconds === undefined ? needs : needs * GROWTH;
  return { budget: budget.name, window: undefined, used: 0, keeps: 0, needs, wants };
}
