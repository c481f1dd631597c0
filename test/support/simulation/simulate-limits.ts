import {
  BUDGETS,
  type BudgetDefinition,
  type BudgetName,
} from "../../../src/domain/access/budget.ts";
import type { KeyPolicy } from "../../../src/domain/access/key-policy.ts";
import type { LeaseReply, LeaseRequest } from "../../../src/domain/access/lease.ts";
import type { Limiter, Ticket } from "../../../src/domain/access/limiter.ts";
import { migrate } from "../../../src/domain/durable-object/migrate.ts";
import { ApiError } from "../../../src/domain/errors.ts";
import { createLeases, type Leases } from "../../../src/guard/authority/leases.ts";
import { MIGRATIONS } from "../../../src/guard/authority/migrations.ts";
import { createLimiter } from "../../../src/guard/limiter.ts";
import { createTestStorage } from "../sql.ts";
import { VirtualClock } from "./virtual-clock.ts";

export interface LimitScenario {
  readonly seed: number;
  readonly isolates: number;
  readonly hours: number;
  readonly policy: Pick<KeyPolicy, "rate" | "quota" | "concurrency">;
  /** Of all isolates together, a minute. */
  readonly requestsPerMinute: number;
  /** A request has as many tokens at most, and a part of them in the end. */
  readonly tokens: number;
  /** How long a request takes at most. */
  readonly longestMs: number;
  /** Of all isolates together, an hour. */
  readonly restartsPerHour: number;
  /** Part of the messages, in each direction. */
  readonly lost: number;
  /** Part of the messages that take longer than anybody waits; 0.02 by default. */
  readonly slow?: number;
  /** Of the clocks of isolates, in either direction. */
  readonly skewMs: number;
  /** Clients are idle for this part of the time, each minute anew. */
  readonly idle?: number;
}

export interface LimitOutcome {
  readonly admitted: number;
  readonly refused: number;
  readonly unavailable: number;
  readonly messages: number;
  /** By budget, the most that was used of a window, and of each window what was used. */
  readonly used: Readonly<Partial<Record<BudgetName, readonly number[]>>>;
}

const START = Date.UTC(2026, 10, 30, 20);
const KEY = "AAAAAAAAAAAA";

/** Isolates, the authority and clients in virtual time, with the code of the service. */
export async function simulateLimits(scenario: LimitScenario): Promise<LimitOutcome> {
  const clock = new VirtualClock(START);
  const random = createRandom(scenario.seed);
  const policy: KeyPolicy = { id: KEY, name: "k", scopes: ["predict"], ...scenario.policy };
  const storage = { ...createTestStorage(), now: () => clock.now() };
  migrate(storage, MIGRATIONS);
  const leases = createLeases(storage, {
    find: (id) => (id === KEY ? { policy, state: "active", digests: [] } : undefined),
  });
  const ledger = new Ledger(policy);
  let messages = 0;
  const { slow = 0.02 } = scenario;
  /** Of a message, in milliseconds. */
  const latency = (): number => (random() < slow ? 1000 + random() * 4000 : 2 + random() * 150);

  class Isolate {
    readonly limiter: Limiter;
    isAlive = true;
    readonly inFlight = new Set<() => void>();

    constructor() {
      const skew = Math.round((random() * 2 - 1) * scenario.skewMs);
      const real = clock.skewed(skew);
      this.limiter = createLimiter({
        authority: {
          lease: (request) => this.#send(request, leases),
          usage: async (key) => leases.usage(key),
        },
        longestMs: scenario.longestMs,
        clock: {
          now: () => real.now(),
          // Nothing happens in an isolate that has ended.
          after: (ms, callback) => real.after(ms, () => this.isAlive && callback()),
        },
      });
    }

    #send(request: LeaseRequest, authority: Leases): Promise<LeaseReply> {
      messages += 1;
      return new Promise((resolve, reject) => {
        const deliver = (): void => {
          const reply = authority.lease(structuredClone(request));
          if (random() < scenario.lost) fail();
          else clock.after(latency(), () => this.isAlive && resolve(structuredClone(reply)));
        };
        const fail = (): void => {
          // Half of the failures are noticed.
          if (random() < 0.5)
            clock.after(latency(), () => this.isAlive && reject(new Error("lost")));
        };
        if (random() < scenario.lost) fail();
        else clock.after(latency(), deliver);
        // A message may arrive twice.
        if (random() < scenario.lost) clock.after(latency() + 1000, deliver);
      });
    }

    async request(): Promise<void> {
      let ticket: Ticket | undefined;
      const background = (work: Promise<unknown>): void => void work.catch(() => undefined);
      try {
        ticket = await this.limiter.admit(policy, { waitUntil: background });
        if (!ticket || !this.isAlive) return;
        const begun = ledger.begin(clock.now());
        const end = (): void => {
          this.inFlight.delete(end);
          ledger.end(begun);
        };
        this.inFlight.add(end);
        let tokens = 0;
        if (ticket.meter) {
          const most = 1 + Math.floor(random() * scenario.tokens);
          try {
            await ticket.meter.reserve(most);
            if (!this.isAlive) return;
            tokens = Math.ceil(most * random());
            ledger.spend("tokens", tokens, clock.now());
          } catch (error) {
            ledger.refuse(error);
          }
        }
        const given = ticket;
        clock.after(random() * scenario.longestMs, () => {
          if (!this.inFlight.has(end)) return;
          end();
          given.end({ tokens, cpuMs: random() * 30 });
        });
      } catch (error) {
        if (this.isAlive) ledger.refuse(error);
      }
    }

    kill(): void {
      this.isAlive = false;
      for (const end of this.inFlight) end();
    }
  }

  const isolates = Array.from({ length: scenario.isolates }, () => new Isolate());
  const pick = (): number => Math.floor(random() * isolates.length);
  const end = START + scenario.hours * 3_600_000;
  const arrive = (): void => {
    const minute = Math.floor(clock.now() / 60_000);
    const isIdle = (scenario.idle ?? 0) > createRandom(scenario.seed ^ minute)();
    if (!isIdle) void isolates[pick()]?.request();
    schedule(60_000 / scenario.requestsPerMinute, arrive);
  };
  const restart = (): void => {
    const index = pick();
    isolates[index]?.kill();
    isolates[index] = new Isolate();
    schedule(3_600_000 / scenario.restartsPerHour, restart);
  };
  function schedule(meanMs: number, work: () => void): void {
    clock.after(-Math.log(1 - random()) * meanMs, work);
  }
  arrive();
  if (scenario.restartsPerHour > 0) schedule(3_600_000 / scenario.restartsPerHour, restart);
  await clock.runUntil(end);
  return { ...ledger.result(), messages };
}

/** What was used really, by the clock of the authority. */
class Ledger {
  readonly #policy: KeyPolicy;
  readonly #windows = new Map<BudgetName, Map<number, number>>();
  #inFlight = 0;
  #mostInFlight = 0;
  #admitted = 0;
  #refused = 0;
  #unavailable = 0;

  constructor(policy: KeyPolicy) {
    this.#policy = policy;
  }

  begin(at: number): { readonly isBegun: true } {
    this.#admitted += 1;
    this.#inFlight += 1;
    this.#mostInFlight = Math.max(this.#mostInFlight, this.#inFlight);
    this.spend("requests", 1, at);
    return { isBegun: true };
  }

  end(_: { readonly isBegun: true }): void {
    this.#inFlight -= 1;
  }

  refuse(error: unknown): void {
    if (!(error instanceof ApiError)) throw error;
    if (error.code === "authority_unavailable") this.#unavailable += 1;
    else this.#refused += 1;
  }

  spend(unit: string, amount: number, at: number): void {
    for (const [name, definition] of Object.entries(BUDGETS) as [BudgetName, BudgetDefinition][]) {
      const { windowSeconds } = definition;
      if (definition.unit !== unit || windowSeconds === undefined) continue;
      if (definition.limit(this.#policy) === undefined) continue;
      const windows = this.#windows.get(name) ?? new Map<number, number>();
      this.#windows.set(name, windows);
      const window = Math.floor(at / (windowSeconds * 1000));
      windows.set(window, (windows.get(window) ?? 0) + amount);
    }
  }

  result(): Omit<LimitOutcome, "messages"> {
    const used = Object.fromEntries(
      [...this.#windows].map(([name, windows]) => [name, [...windows.values()]]),
    );
    return {
      admitted: this.#admitted,
      refused: this.#refused,
      unavailable: this.#unavailable,
      used: { ...used, concurrency: [this.#mostInFlight] },
    };
  }
}

/** mulberry32 */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}
