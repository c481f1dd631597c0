import type { Budget, BudgetName } from "../domain/access/budget.ts";
import type { KeyState } from "../domain/access/key-authority.ts";
import type { BudgetClaim, LeaseAuthority, LeaseReply } from "../domain/access/lease.ts";
import type { ServiceLimit } from "../domain/access/limiter.ts";
import type { WaitUntil } from "../domain/call.ts";
import { type Clock, settlesInTime, sleep } from "../domain/clock.ts";
import { ApiError } from "../domain/errors.ts";
import { exceeded, type Violation } from "./exceeded.ts";
import { firstClaim, Slice } from "./slice.ts";

export interface KeyBudgetsOptions {
  readonly authority: LeaseAuthority;
  readonly clock: Clock;
  /** The longest time from the admission of a request to its end. */
  readonly longestMs: number;
}

/** How much of each budget. */
export type Amounts = ReadonlyMap<BudgetName, number>;

/** For how long a request waits for the authority. */
const CONTACT_MS = 2000;
/** After the authority could not be reached, it is left alone for this time. */
const RETRY_MS = 1000;
/** Slots are held for this time beyond the longest request. */
const HOLD_MS = 30_000;
/** While requests are in flight, slots are renewed so often. */
export const RENEW_MS = 10_000;
/** A key that is not used for this time returns what it has not used. */
const IDLE_MS = 2000;
/** An isolate watches for idle keys in the time that the platform leaves it after a request. */
const WATCH_MS = 20_000;
const MAX_ATTEMPTS = 8;
const RETURN_ATTEMPTS = 4;

/** The budgets of one key in this isolate. */
export class KeyBudgets {
  readonly #key: string;
  readonly #options: KeyBudgetsOptions;
  #budgets: readonly Budget[] = [];
  /** Another one for each object: a slice is known to the object alone to which it was leased. */
  readonly #isolate = crypto.randomUUID();
  readonly #slices = new Map<BudgetName, Slice>();
  /** What requests wait for. */
  readonly #needs = new Map<BudgetName, number>();
  #sequence = 0;
  #asking: Promise<void> | undefined;
  #askedAt = 0;
  #failedAt: number | undefined;
  #state: KeyState | "unknown" = "active";
  #usedAt = 0;
  #watchedUntil = 0;

  constructor(key: string, options: KeyBudgetsOptions) {
    this.#key = key;
    this.#options = options;
  }

  get budgets(): readonly Budget[] {
    return this.#budgets;
  }

  get askedAt(): number {
    return this.#askedAt;
  }

  /** When it was last used. */
  get usedAt(): number {
    return this.#usedAt;
  }

  /** @param budgets of the policy as the isolate knows it now */
  follow(budgets: readonly Budget[]): void {
    // Slices of budgets that the key has not any more are kept: it may get them again in the same window.
    this.#budgets = budgets;
  }

  /** Whether requests have something reserved. */
  get isInUse(): boolean {
    return [...this.#slices.values()].some(({ reserved }) => reserved > 0);
  }

  /** Reserves the amounts, if there is enough of each; returns the slices that they are of. */
  take(amounts: Amounts): Map<BudgetName, Slice> | undefined {
    const now = this.#options.clock.now();
    const taken = new Map<BudgetName, Slice>();
    for (const budget of this.#budgets) {
      const amount = amounts.get(budget.name);
      if (amount === undefined) continue;
      const slice = this.#slices.get(budget.name);
      if (!slice?.isUsable(budget, now) || slice.available < amount) return undefined;
      taken.set(budget.name, slice);
    }
    for (const [name, slice] of taken) slice.reserve(amounts.get(name) ?? 0);
    this.#usedAt = now;
    return taken;
  }

  /**
   * {@link take}, for which the authority is asked as often as it may help.
   * @throws ApiError `rate_limited`, `quota_exceeded`, `authority_unavailable`, `unauthorized`
   */
  async obtain(amounts: Amounts, waitUntil: WaitUntil): Promise<Map<BudgetName, Slice>> {
    const { clock } = this.#options;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const taken = this.take(amounts);
      if (taken) return taken;
      const violations = this.#violations(amounts);
      if (violations.length > 0) throw exceeded(violations, clock.now());
      const shortfalls = this.#shortfalls(amounts);
      for (const [name, amount] of shortfalls) this.#need(name, amount);
      try {
        await this.#contact(waitUntil);
      } finally {
        for (const [name, amount] of shortfalls) this.#need(name, -amount);
      }
    }
    throw unavailable(undefined);
  }

  /** Asks for more in the background when a slice is nearly used up. */
  maintain(waitUntil: WaitUntil): void {
    const now = this.#options.clock.now();
    if (this.#current !== undefined || this.#isOut(now)) return;
    for (const { name } of this.#budgets) {
      const slice = this.#slices.get(name);
      if (!slice?.isLow || slice.isScarce || slice.free <= 0 || now < slice.deniedUntil) continue;
      waitUntil(this.#ask(true).catch(ignore));
      return;
    }
  }

  /** Renews the slots of requests in flight. */
  async renew(): Promise<void> {
    if (this.#current === undefined) await this.#ask(true).catch(ignore);
  }

  /** To be called when a request has ended: what is not used is returned, soon where others need it. */
  release(waitUntil: WaitUntil): void {
    const now = this.#options.clock.now();
    this.#usedAt = now;
    if (this.#isNeededElsewhere && this.#current === undefined) waitUntil(this.#giveBack());
    if (now < this.#watchedUntil) return;
    this.#watchedUntil = now + WATCH_MS;
    waitUntil(this.#watch(this.#watchedUntil));
  }

  /** Of all budgets, in their order. */
  limits(): ServiceLimit[] {
    const now = this.#options.clock.now();
    return this.#budgets.map((budget) => {
      const slice = this.#slices.get(budget.name);
      const isCurrent = slice !== undefined && now < slice.resetAt;
      const remaining =
        isCurrent || (slice && budget.windowSeconds === undefined) ? slice.remaining : budget.limit;
      return {
        budget,
        remaining: Math.max(0, Math.floor(Math.min(remaining, budget.limit))),
        resetSeconds: resetSeconds(budget, isCurrent ? slice : undefined, now),
      };
    });
  }

  get #isNeededElsewhere(): boolean {
    return [...this.#slices.values()].some((slice) => slice.isScarce && slice.available > 0);
  }

  async #watch(until: number): Promise<void> {
    const { clock } = this.#options;
    for (;;) {
      const idleMs = clock.now() - this.#usedAt;
      if (idleMs >= IDLE_MS) break;
      // Somebody else watches for it with the next request.
      if (clock.now() >= until) return;
      await sleep(clock, Math.min(IDLE_MS - idleMs, until - clock.now()));
    }
    if (this.#watchedUntil === until) this.#watchedUntil = 0;
    const slices = [...this.#slices.values()];
    if (slices.some(({ available, isReported }) => available > 0 || !isReported))
      await this.#giveBack();
  }

  /** Asks for nothing, so that what is not used is returned. A message that is lost is repeated, unless the key is used again. */
  async #giveBack(): Promise<void> {
    const { clock } = this.#options;
    const usedAt = this.#usedAt;
    for (let attempt = 1; ; attempt++) {
      if (this.#current !== undefined) return;
      try {
        await this.#ask(false);
        return;
      } catch {
        if (attempt === RETURN_ATTEMPTS) return;
        await sleep(clock, RETRY_MS);
        if (this.#usedAt !== usedAt) return;
      }
    }
  }

  #need(name: BudgetName, amount: number): void {
    this.#needs.set(name, Math.max(0, (this.#needs.get(name) ?? 0) + amount));
  }

  /** Budgets of which the authority has said that there is not enough. */
  #violations(amounts: Amounts): Violation[] {
    const now = this.#options.clock.now();
    return this.#budgets.flatMap((budget) => {
      const amount = amounts.get(budget.name);
      const slice = this.#slices.get(budget.name);
      if (amount === undefined || !slice) return [];
      const isDenied = now < slice.deniedUntil && slice.isUsable(budget, now);
      // What no isolate has may be enough for a smaller amount than the one that was refused.
      if (!isDenied || slice.available + slice.free >= amount) return [];
      const remaining = Math.max(0, slice.remaining);
      return [{ budget, amount, remaining, resetSeconds: resetSeconds(budget, slice, now) }];
    });
  }

  #shortfalls(amounts: Amounts): [BudgetName, number][] {
    const now = this.#options.clock.now();
    return this.#budgets.flatMap((budget): [BudgetName, number][] => {
      const amount = amounts.get(budget.name);
      if (amount === undefined) return [];
      const slice = this.#slices.get(budget.name);
      const available = slice?.isUsable(budget, now) ? slice.available : 0;
      return amount > available ? [[budget.name, amount - available]] : [];
    });
  }

  #isOut(now: number): boolean {
    return this.#failedAt !== undefined && now - this.#failedAt < RETRY_MS;
  }

  /** The question that is under way. One that takes longer than it can belongs to a request that the platform has ended. */
  get #current(): Promise<void> | undefined {
    const isOver = this.#options.clock.now() - this.#askedAt > CONTACT_MS + RETRY_MS;
    return isOver ? undefined : this.#asking;
  }

  /** Asks the authority, or waits for an answer that another request waits for. */
  async #contact(waitUntil: WaitUntil): Promise<void> {
    const { clock } = this.#options;
    const current = this.#current;
    if (current !== undefined) {
      const isSettled = await settlesInTime(clock, current.catch(ignore), CONTACT_MS);
      if (!isSettled && this.#asking === current) this.#asking = undefined;
      return;
    }
    const sentAt = clock.now();
    if (this.#isOut(sentAt)) throw unavailable(undefined);
    const asking = this.#ask(true).catch((error: unknown) => {
      // A message that failed at once may have been lost with its connection.
      if (clock.now() - sentAt >= RETRY_MS) throw error;
      return this.#ask(true);
    });
    // Others wait for the answer too, when the client of this request has left.
    waitUntil(asking.catch(ignore));
    await asking;
    if (this.#state !== "active") throw refused(this.#state);
  }

  /** @throws ApiError `authority_unavailable` */
  #ask(keepsUnused: boolean): Promise<void> {
    const asking = this.#send(keepsUnused).finally(() => {
      if (this.#asking === asking) this.#asking = undefined;
    });
    this.#asking = asking;
    return asking;
  }

  async #send(keepsUnused: boolean): Promise<void> {
    const { authority, clock, longestMs } = this.#options;
    const sentAt = clock.now();
    this.#askedAt = sentAt;
    this.#sequence += 1;
    const sequence = this.#sequence;
    const budgets = this.#budgets;
    const holdMs = longestMs + HOLD_MS;
    const needs = new Map(this.#needs);
    const claims = budgets.map((budget): BudgetClaim => {
      const needed = needs.get(budget.name) ?? 0;
      const slice = this.#slices.get(budget.name);
      const claim = slice
        ? slice.claim(budget, needed, keepsUnused, sentAt)
        : firstClaim(budget, needed);
      return budget.windowSeconds === undefined ? { ...claim, holdMs } : claim;
    });
    const apply = (reply: LeaseReply): void => {
      // Only the last request counts: the slices of an earlier one may be returned already.
      if (sequence !== this.#sequence) return;
      this.#failedAt = undefined;
      this.#state = reply.state;
      const times = { sentAt, receivedAt: clock.now(), slotMarginMs: longestMs };
      for (const grant of reply.grants) {
        const budget = budgets.find(({ name }) => name === grant.budget);
        if (!budget) continue;
        const known = this.#slices.get(grant.budget);
        const slice = known?.window === grant.window ? known : new Slice(budget, grant.window);
        this.#slices.set(grant.budget, slice);
        slice.apply(grant, budget, needs.get(grant.budget) ?? 0, times);
      }
    };
    try {
      const replied = authority
        .lease({ isolate: this.#isolate, sequence, key: this.#key, claims })
        .then(apply);
      if (await settlesInTime(clock, replied, CONTACT_MS)) return;
      replied.catch(ignore);
    } catch (cause) {
      this.#failedAt = clock.now();
      throw unavailable(cause);
    }
    this.#failedAt = clock.now();
    throw unavailable(new Error(`the authority did not answer within ${CONTACT_MS} ms`));
  }
}

function resetSeconds(budget: Budget, slice: Slice | undefined, now: number): number | undefined {
  const { windowSeconds } = budget;
  if (windowSeconds === undefined) return undefined;
  const windowMs = windowSeconds * 1000;
  const leftMs = slice ? slice.resetAt - now : windowMs - (now % windowMs);
  return Math.max(1, Math.ceil(leftMs / 1000));
}

function refused(state: KeyState | "unknown"): ApiError {
  return new ApiError("unauthorized", `The API key is ${state}.`);
}

function unavailable(cause: unknown): ApiError {
  return new ApiError(
    "authority_unavailable",
    "The authority of API keys is out of reach, and what this server had of the key's budgets is used up. Try again.",
    { cause, details: { retryAfterSeconds: 2 } },
  );
}

function ignore(): void {}
