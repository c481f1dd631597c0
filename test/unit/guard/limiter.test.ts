import { beforeEach, describe, expect, test } from "vitest";
import type { BudgetName } from "../../../src/domain/access/budget.ts";
import type { KeyState } from "../../../src/domain/access/key-authority.ts";
import type { KeyPolicy } from "../../../src/domain/access/key-policy.ts";
import type { LeaseReply, LeaseRequest } from "../../../src/domain/access/lease.ts";
import type { Limiter, Ticket } from "../../../src/domain/access/limiter.ts";
import { migrate } from "../../../src/domain/durable-object/migrate.ts";
import { createLeases, type Leases } from "../../../src/guard/authority/leases.ts";
import { MIGRATIONS } from "../../../src/guard/authority/migrations.ts";
import { createLimiter } from "../../../src/guard/limiter.ts";
import { VirtualClock } from "../../support/simulation/virtual-clock.ts";
import { createTestStorage } from "../../support/sql.ts";

const NOON = Date.UTC(2026, 10, 30, 12);
const MIDNIGHT = Date.UTC(2026, 11, 1);
const LONGEST_MS = 30_000;

type Budgets = Pick<KeyPolicy, "rate" | "quota" | "concurrency">;

let clock: VirtualClock;
let policy: KeyPolicy;
let state: KeyState | undefined;
let leases: Leases;
/** What isolates have sent. */
let sent: LeaseRequest[];
/** Replaces the authority, when it is set. */
let send: ((request: LeaseRequest) => Promise<LeaseReply>) | undefined;

beforeEach(() => {
  clock = new VirtualClock(NOON);
  const storage = { ...createTestStorage(), now: () => clock.now() };
  migrate(storage, MIGRATIONS);
  state = "active";
  leases = createLeases(storage, {
    find: () => state && { policy, state, digests: [] },
  });
  sent = [];
  send = undefined;
});

function setPolicy(budgets: Budgets): void {
  policy = { id: "AAAAAAAAAAAA", name: "a key", scopes: ["predict"], ...budgets };
}

function createIsolate(): Limiter {
  return createLimiter({
    clock,
    longestMs: LONGEST_MS,
    authority: {
      lease: async (request) => {
        sent.push(request);
        return send ? send(request) : leases.lease(request);
      },
      usage: async (key) => leases.usage(key),
    },
  });
}

const waitUntil = (work: Promise<unknown>): void => void work.catch(() => undefined);

/** Passes time, in which work goes on. */
const pass = (milliseconds: number): Promise<void> => clock.runUntil(clock.now() + milliseconds);

async function admit(isolate: Limiter): Promise<Ticket> {
  const ticket = await isolate.admit(policy, { waitUntil });
  if (!ticket) throw new Error("the key has no budgets");
  return ticket;
}

const NOTHING = { tokens: 0, cpuMs: 0 };

/** How many requests are admitted one after the other, of so many. */
async function admitted(isolate: Limiter, requests: number): Promise<number> {
  let count = 0;
  for (let request = 0; request < requests; request++)
    await admit(isolate).then(
      (ticket) => {
        ticket.end(NOTHING);
        count += 1;
      },
      () => undefined,
    );
  return count;
}

function remaining(isolate: Limiter, name: BudgetName): number | undefined {
  return isolate.limits(policy).find(({ budget }) => budget.name === name)?.remaining;
}

describe("an isolate", () => {
  test("asks nobody about a key without budgets", () => {
    setPolicy({});
    expect(createIsolate().admit(policy, { waitUntil })).toBeUndefined();
    expect(sent).toEqual([]);
  });

  test("decides by itself once it has a slice, and asks for more in the background", async () => {
    setPolicy({ quota: { requestsPerDay: 100_000 } });
    const isolate = createIsolate();
    (await admit(isolate)).end(NOTHING);
    expect(sent).toHaveLength(1);
    let waited = 0;
    for (let request = 0; request < 500; request++) {
      const decided = isolate.admit(policy, { waitUntil });
      if (decided instanceof Promise) waited += 1;
      (await decided)?.end(NOTHING);
      await pass(5);
    }
    expect(waited).toBe(0);
    // Slices follow the demand of 200 requests a second.
    expect(sent.length).toBeLessThan(12);
  });

  test("refuses what is beyond the quota, until the day is over", async () => {
    setPolicy({ quota: { requestsPerDay: 5 } });
    const isolate = createIsolate();
    expect(await admitted(isolate, 8)).toBe(5);
    await expect(admit(isolate)).rejects.toMatchObject({
      code: "quota_exceeded",
      details: { violatedPolicies: ["requests-per-day"], retryAfterSeconds: 43_200 },
      message:
        "The API key's quota is 5 requests a day, which are used up until 2026-12-01T00:00:00Z. Try again in 43200 s.",
    });
    await clock.runUntil(MIDNIGHT - 1);
    expect(await admitted(isolate, 1)).toBe(0);
    await clock.runUntil(MIDNIGHT);
    expect(await admitted(isolate, 8)).toBe(5);
  });

  test("refuses what is beyond the rate until the next minute", async () => {
    setPolicy({ rate: { requestsPerMinute: 3 } });
    const isolate = createIsolate();
    await pass(45_500);
    expect(await admitted(isolate, 5)).toBe(3);
    await expect(admit(isolate)).rejects.toMatchObject({
      code: "rate_limited",
      details: { violatedPolicies: ["requests-per-minute"], retryAfterSeconds: 15 },
    });
    await pass(14_500);
    expect(await admitted(isolate, 5)).toBe(3);
  });

  test("names every budget that is used up", async () => {
    setPolicy({ rate: { requestsPerMinute: 2 }, quota: { requestsPerDay: 2 } });
    const isolate = createIsolate();
    expect(await admitted(isolate, 2)).toBe(2);
    await expect(admit(isolate)).rejects.toMatchObject({
      details: { violatedPolicies: ["requests-per-minute", "requests-per-day"] },
    });
  });

  test("gives back a request that the service refused", async () => {
    setPolicy({ quota: { requestsPerDay: 1 } });
    const isolate = createIsolate();
    (await admit(isolate)).end({ ...NOTHING, isVoid: true });
    expect(await admitted(isolate, 2)).toBe(1);
  });

  test("does not exceed the concurrency, and frees a slot with the end of a request", async () => {
    setPolicy({ concurrency: 2 });
    const isolate = createIsolate();
    const first = await admit(isolate);
    const second = await admit(isolate);
    await expect(admit(isolate)).rejects.toMatchObject({
      code: "rate_limited",
      details: { violatedPolicies: ["concurrency"], retryAfterSeconds: 1 },
      message:
        "The API key has its 2 requests in flight at the same time already. Try again in 1 s.",
    });
    first.end(NOTHING);
    const third = await admit(isolate);
    second.end(NOTHING);
    third.end(NOTHING);
  });

  test("keeps the slots of requests that take long", async () => {
    setPolicy({ concurrency: 1 });
    const isolate = createIsolate();
    const long = await admit(isolate);
    const other = createIsolate();
    await pass(300_000);
    await expect(admit(other)).rejects.toMatchObject({ code: "rate_limited" });
    long.end(NOTHING);
    await pass(3000);
    (await admit(other)).end(NOTHING);
  });

  test("uses a slot only for requests that end before it is given to others", async () => {
    setPolicy({ concurrency: 1 });
    const isolate = createIsolate();
    expect(await admitted(isolate, 1)).toBe(1);
    const cutOff = sent[0]?.isolate;
    send = async (request) => {
      if (request.isolate === cutOff) throw new Error("out of reach");
      return leases.lease(request);
    };
    for (let second = 1; second < 30; second++) {
      await pass(1000);
      expect(await admitted(isolate, 1)).toBe(1);
    }
    await pass(1000);
    await expect(admit(isolate)).rejects.toMatchObject({ code: "authority_unavailable" });
    const other = createIsolate();
    // A request that began in time may use the slot for 30 s longer.
    await pass(29_900);
    await expect(admit(other)).rejects.toMatchObject({ code: "rate_limited" });
    await pass(200);
    (await admit(other)).end(NOTHING);
  });
});

describe("slices", () => {
  test("return when they are not used for two seconds", async () => {
    setPolicy({ quota: { requestsPerDay: 20 } });
    const [one, other] = [createIsolate(), createIsolate()];
    expect(await admitted(one, 1)).toBe(1);
    // The others are in the slice of the first isolate.
    const before = await admitted(other, 30);
    expect(before).toBeLessThan(19);
    await pass(2500);
    expect(before + (await admitted(other, 30))).toBe(19);
    await pass(2500);
    expect(leases.usage(policy.id)).toEqual({ "requests-per-day": 20 });
  });

  test("of an isolate that has ended count as used", async () => {
    setPolicy({ quota: { requestsPerDay: 20 } });
    const ended = createIsolate();
    await ended.admit(policy, { waitUntil: () => undefined });
    const [{ granted } = { granted: 0 }] = leases.lease({
      ...(sent[0] as LeaseRequest),
    }).grants;
    expect(granted).toBeGreaterThan(1);
    const other = createIsolate();
    expect(await admitted(other, 30)).toBe(20 - granted);
  });

  test("are not used any more when a late reply grants what was returned", async () => {
    setPolicy({ quota: { requestsPerDay: 10 } });
    const isolate = createIsolate();
    const held = Promise.withResolvers<void>();
    send = async (request) => {
      const reply = leases.lease(request);
      await held.promise;
      return reply;
    };
    const waiting = admit(isolate).catch((error: unknown) => error);
    await pass(2100);
    expect(await waiting).toMatchObject({ code: "authority_unavailable" });
    send = undefined;
    await pass(1000);
    // Asks again, without knowledge of the first grant, which the authority takes back.
    expect(await admitted(isolate, 1)).toBe(1);
    await pass(3000);
    expect(await admitted(createIsolate(), 20)).toBe(9);
    held.resolve();
    await pass(100);
    expect(await admitted(isolate, 20)).toBe(0);
  });

  test("shrink when the quota is lowered during the day, and grow when it is raised", async () => {
    setPolicy({ quota: { requestsPerDay: 1000 } });
    const isolate = createIsolate();
    for (let second = 0; second < 5; second++) {
      expect(await admitted(isolate, 10)).toBe(10);
      await pass(1000);
    }
    setPolicy({ quota: { requestsPerDay: 60 } });
    expect(await admitted(isolate, 100)).toBe(10);
    setPolicy({ quota: { requestsPerDay: 40 } });
    expect(await admitted(isolate, 100)).toBe(0);
    expect(remaining(isolate, "requests-per-day")).toBe(0);
    setPolicy({ quota: { requestsPerDay: 65 } });
    expect(await admitted(isolate, 100)).toBe(5);
  });

  test("remember what was used when a quota is taken away and given back", async () => {
    setPolicy({ quota: { requestsPerDay: 10 } });
    const isolate = createIsolate();
    expect(await admitted(isolate, 6)).toBe(6);
    setPolicy({ rate: { requestsPerMinute: 100 } });
    expect(await admitted(isolate, 20)).toBe(20);
    setPolicy({ quota: { requestsPerDay: 10 } });
    expect(await admitted(isolate, 20)).toBe(4);
  });

  test.each(["revoked", "disabled", "expired"] as const)(
    "are not renewed for a key that is %s",
    async (changed) => {
      setPolicy({ quota: { requestsPerDay: 1000 } });
      const isolate = createIsolate();
      (await admit(isolate)).end(NOTHING);
      state = changed;
      expect(await admitted(isolate, 50)).toBeLessThanOrEqual(3);
      await pass(5000);
      await expect(admit(isolate)).rejects.toMatchObject({
        code: "unauthorized",
        message: `The API key is ${changed}.`,
      });
    },
  );

  test("are enough while the authority is out of reach, and then requests wait for it", async () => {
    setPolicy({ quota: { requestsPerDay: 10_000 } });
    const isolate = createIsolate();
    for (let second = 0; second < 10; second++) {
      await admitted(isolate, 10);
      await pass(1000);
    }
    send = () => Promise.reject(new Error("out of reach"));
    const within = await admitted(isolate, 1000);
    expect(within).toBeGreaterThan(20);
    await expect(admit(isolate)).rejects.toMatchObject({
      code: "authority_unavailable",
      details: { retryAfterSeconds: 2 },
    });
    send = undefined;
    await pass(1000);
    expect(await admitted(isolate, 100)).toBe(100);
  });
});

test("a question that was dropped with its request keeps no other request waiting", async () => {
  setPolicy({ quota: { requestsPerDay: 10 } });
  let isDropped = true;
  const dropped = new VirtualClock(NOON);
  const isolate = createLimiter({
    clock: {
      now: () => clock.now(),
      // The platform has ended the request, with its timers.
      after: (ms, callback) => (isDropped ? dropped : clock).after(ms, callback),
    },
    longestMs: LONGEST_MS,
    authority: {
      lease: (request) =>
        isDropped ? new Promise(() => undefined) : Promise.resolve(leases.lease(request)),
      usage: async () => ({}),
    },
  });
  void isolate.admit(policy, { waitUntil });
  isDropped = false;
  const waiting = admit(isolate);
  await pass(2000);
  (await waiting).end(NOTHING);
});

describe("tokens", () => {
  test("are reserved before they are generated, and those that are not are released", async () => {
    setPolicy({ quota: { tokensPerDay: 100 } });
    const isolate = createIsolate();
    const first = await admit(isolate);
    await first.meter?.reserve(80);
    const second = await admit(isolate);
    await expect(second.meter?.reserve(30)).rejects.toMatchObject({
      code: "quota_exceeded",
      details: {
        violatedPolicies: ["tokens-per-day"],
        neededTokens: 30,
        remainingTokens: 20,
        retryAfterSeconds: 43_200,
      },
      message:
        "The API key's quota is 100 tokens a day, of which 20 are left, and the request may need 30: ask for fewer tokens, or wait. Try again in 43200 s.",
    });
    second.end(NOTHING);
    first.end({ tokens: 25, cpuMs: 0 });
    expect(remaining(isolate, "tokens-per-day")).toBe(75);
    const third = await admit(isolate);
    await third.meter?.reserve(75);
    third.end({ tokens: 75, cpuMs: 0 });
    expect(remaining(isolate, "tokens-per-day")).toBe(0);
  });

  test("that are too few for one request are enough for a smaller one, at once and later", async () => {
    setPolicy({ quota: { tokensPerDay: 500 } });
    const isolate = createIsolate();
    for (const delay of [0, 3000, 100]) {
      const large = await admit(isolate);
      await expect(large.meter?.reserve(1000)).rejects.toMatchObject({ code: "quota_exceeded" });
      large.end(NOTHING);
      await pass(delay);
      const small = await admit(isolate);
      await small.meter?.reserve(50);
      small.end({ tokens: 50, cpuMs: 0 });
    }
  });

  test("that were prepared for all parts of a request are reserved once", async () => {
    setPolicy({ quota: { tokensPerDay: 100 } });
    const ticket = await admit(createIsolate());
    const { meter } = ticket;
    await meter?.prepare(100);
    await meter?.reserve(50);
    await meter?.fork().reserve(50);
    await expect(meter?.fork().reserve(1)).rejects.toMatchObject({ code: "quota_exceeded" });
    ticket.end({ cpuMs: 0 });
  });

  test("that are not counted one by one cost what was reserved", async () => {
    setPolicy({ quota: { tokensPerDay: 100 } });
    const isolate = createIsolate();
    const ticket = await admit(isolate);
    await ticket.meter?.reserve(40);
    ticket.end({ cpuMs: 0 });
    expect(remaining(isolate, "tokens-per-day")).toBe(60);
  });

  test("that are charged after midnight are those of the day on which they were reserved", async () => {
    setPolicy({ quota: { tokensPerDay: 100 } });
    const isolate = createIsolate();
    await clock.runUntil(MIDNIGHT - 5000);
    const ticket = await admit(isolate);
    await ticket.meter?.reserve(100);
    await pass(6000);
    (await admit(isolate)).end(NOTHING);
    ticket.end({ tokens: 90, cpuMs: 0 });
    expect(remaining(isolate, "tokens-per-day")).toBe(100);
  });

  test("are limited by the minute and by the day at once", async () => {
    setPolicy({ rate: { tokensPerMinute: 50 }, quota: { tokensPerDay: 60 } });
    const isolate = createIsolate();
    const ticket = await admit(isolate);
    await ticket.meter?.reserve(50);
    ticket.end({ tokens: 50, cpuMs: 0 });
    await expect((await admit(isolate)).meter?.reserve(5)).rejects.toMatchObject({
      code: "rate_limited",
    });
    await pass(60_000);
    await expect((await admit(isolate)).meter?.reserve(15)).rejects.toMatchObject({
      code: "quota_exceeded",
    });
  });
});

describe("CPU time", () => {
  test("is charged when it is known, and requests are refused when it is used up", async () => {
    setPolicy({ quota: { cpuMsPerDay: 100 } });
    const isolate = createIsolate();
    (await admit(isolate)).end({ tokens: 0, cpuMs: 30.25 });
    expect(remaining(isolate, "cpu-ms-per-day")).toBe(69);
    (await admit(isolate)).end({ tokens: 0, cpuMs: 90 });
    await expect(admit(isolate)).rejects.toMatchObject({
      code: "quota_exceeded",
      details: { violatedPolicies: ["cpu-ms-per-day"] },
    });
    expect(remaining(isolate, "cpu-ms-per-day")).toBe(0);
    await pass(5000);
    expect(leases.usage(policy.id)["cpu-ms-per-day"]).toBeCloseTo(120.25, 2);
    await expect(admit(createIsolate())).rejects.toMatchObject({ code: "quota_exceeded" });
  });
});
