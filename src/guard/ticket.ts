import { type BudgetName, toAmount } from "../domain/access/budget.ts";
import type { Consumption, ServiceLimit, Ticket, TokenMeter } from "../domain/access/limiter.ts";
import { createTokenMeter } from "../domain/access/token-meter.ts";
import type { WaitUntil } from "../domain/call.ts";
import type { Clock } from "../domain/clock.ts";
import { type KeyBudgets, RENEW_MS } from "./key-budgets.ts";
import type { Slice } from "./slice.ts";

export interface TicketDependencies {
  readonly budgets: KeyBudgets;
  readonly clock: Clock;
  readonly waitUntil: WaitUntil;
  /** Called with the CPU time of the request. */
  readonly onCost: (cpuMs: number) => void;
}

interface Reservation {
  readonly slice: Slice;
  readonly amount: number;
}

/** A request within the budgets of its key. */
export class KeyTicket implements Ticket {
  readonly meter: TokenMeter | undefined;
  readonly #deps: TicketDependencies;
  /** What was reserved; tokens in several steps, which may be of different windows. */
  readonly #reserved: { readonly name: BudgetName; readonly of: Reservation }[] = [];
  #tokens = 0;
  #cancelRenewal: (() => void) | undefined;
  #hasEnded = false;

  constructor(deps: TicketDependencies, taken: Taken, amounts: ReadonlyMap<BudgetName, number>) {
    this.#deps = deps;
    this.#add(taken, amounts);
    if (deps.budgets.budgets.some(({ unit }) => unit === "tokens"))
      this.meter = createTokenMeter((more) => this.#reserveTokens(more));
    if (taken.has("concurrency")) this.#renewLater();
  }

  limits(): readonly ServiceLimit[] {
    return this.#deps.budgets.limits();
  }

  end({ tokens = this.#tokens, cpuMs, isVoid = false }: Consumption): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#cancelRenewal?.();
    const { budgets, waitUntil, onCost } = this.#deps;
    onCost(cpuMs);
    /** What is left to charge of each budget, to one reservation after the other. */
    const charges = new Map<BudgetName, number>([
      ["requests-per-minute", isVoid ? 0 : 1],
      ["requests-per-day", isVoid ? 0 : 1],
      ["tokens-per-minute", tokens],
      ["tokens-per-day", tokens],
    ]);
    for (const { name, of } of this.#reserved) {
      const charged =
        name === "cpu-ms-per-day" ? toAmount(cpuMs) : Math.min(of.amount, charges.get(name) ?? 0);
      charges.set(name, (charges.get(name) ?? 0) - charged);
      of.slice.settle(of.amount, charged);
    }
    budgets.release(waitUntil);
  }

  #add(taken: Taken, amounts: ReadonlyMap<BudgetName, number>): void {
    for (const [name, slice] of taken)
      this.#reserved.push({ name, of: { slice, amount: amounts.get(name) ?? 0 } });
  }

  async #reserveTokens(more: number): Promise<void> {
    const { budgets, waitUntil } = this.#deps;
    const amounts = new Map<BudgetName, number>([
      ["tokens-per-minute", more],
      ["tokens-per-day", more],
    ]);
    const taken = budgets.take(amounts) ?? (await budgets.obtain(amounts, waitUntil));
    if (this.#hasEnded) {
      for (const slice of taken.values()) slice.settle(more, 0);
      return;
    }
    this.#tokens += more;
    this.#add(taken, amounts);
    budgets.maintain(waitUntil);
  }

  /** Slots are held for a time, which a request may outlast that waits for its client. */
  #renewLater(): void {
    const { clock, budgets } = this.#deps;
    this.#cancelRenewal = clock.after(RENEW_MS, () => {
      this.#renewLater();
      if (clock.now() - budgets.askedAt >= RENEW_MS) void budgets.renew();
    });
  }
}

type Taken = ReadonlyMap<BudgetName, Slice>;
