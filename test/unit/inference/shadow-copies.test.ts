import { beforeEach, describe, expect, test } from "vitest";
import type { Permit } from "../../../src/domain/admission.ts";
import { type Call, createCall, neverAborted } from "../../../src/domain/call.ts";
import { ApiError } from "../../../src/domain/errors.ts";
import type { ShadowEvent, TelemetryEvent } from "../../../src/domain/event.ts";
import { createBodyBudget } from "../../../src/inference/body-budget.ts";
import {
  createShadowCopies,
  MAX_COPIES,
  type ShadowCopiesOptions,
  type ShadowCopy,
} from "../../../src/inference/shadow-copies.ts";
import { createManifest } from "../../support/cache-harness.ts";
import { poll } from "../../support/poll.ts";

/** Copies of requests, with an admission and a shadow that the tests control. */

const VERSIONS = { name: "echo", versions: ["2", "1"], revision: "r" };
const manifest = { ...createManifest(), task: "tabular-regression" } as const;
const MODEL = { ...VERSIONS, version: "1", manifest };
const SHADOW = { ...VERSIONS, version: "2", manifest, sample: 1 };

let events: ShadowEvent[];
let permits: { acquired: boolean; released: boolean }[];
let work: Promise<unknown>[];

beforeEach(() => {
  events = [];
  permits = [];
  work = [];
});

function admitSpare(): Permit {
  const state = { acquired: false, released: false };
  permits.push(state);
  return {
    acquire() {
      state.acquired = true;
      return undefined;
    },
    yield: async () => undefined,
    release() {
      state.released = true;
    },
  };
}

function createCopies(options: Partial<ShadowCopiesOptions> = {}) {
  return createShadowCopies({
    admission: { admitSpare },
    bodies: createBodyBudget({ limitBytes: 100_000 }),
    sink: { emit: (event: TelemetryEvent) => void events.push(event as ShadowEvent) },
    maxBytes: 100_000,
    timeoutMs: 10_000,
    ...options,
  });
}

function copyOf(changes: Partial<ShadowCopy> = {}): ShadowCopy {
  return {
    model: { ...MODEL, alias: "production" },
    shadow: SHADOW,
    answer: { kind: "value", value: [1] },
    primaryMs: 1.23456,
    inputs: [1, 2],
    run: async () => ({ kind: "value", value: [1] }),
    ...changes,
  };
}

/** A call whose end the test decides on. */
function createEndedCall(options: Partial<Call> = {}) {
  const listeners: (() => void)[] = [];
  const call = createCall({
    id: "request-1",
    waitUntil: (each) => void work.push(each),
    onEnd: (listener) => void listeners.push(listener),
    ...options,
  });
  const end = (): void => {
    for (const listener of listeners) listener();
  };
  return { call, end };
}

async function settle(): Promise<void> {
  await Promise.all(work);
}

/** Copies at once. */
async function run(copy: ShadowCopy, options?: Partial<ShadowCopiesOptions>): Promise<ShadowEvent> {
  const { call, end } = createEndedCall();
  createCopies(options)(copy, call);
  end();
  await settle();
  expect(events).toHaveLength(1);
  return events[0] as ShadowEvent;
}

describe("a copy", () => {
  test("begins when its call has ended, and no sooner", async () => {
    let ran = false;
    const copy = copyOf({
      run: async () => {
        ran = true;
        return { kind: "value", value: [1] };
      },
    });
    const { call, end } = createEndedCall();
    createCopies()(copy, call);
    await new Promise((resume) => setTimeout(resume, 5));
    expect(ran).toBe(false);
    end();
    expect(ran).toBe(false);
    await settle();
    expect(ran).toBe(true);
    expect(permits).toEqual([{ acquired: true, released: true }]);
  });

  test("is reported with the versions, how the answers compare, and the durations", async () => {
    expect(await run(copyOf())).toEqual({
      event: "shadow",
      schemaVersion: 3,
      time: expect.stringMatching(/Z$/),
      requestId: "request-1",
      model: "echo",
      alias: "production",
      version: "1",
      shadowVersion: "2",
      task: "tabular-regression",
      outcome: "same",
      measure: "absolute_difference",
      distance: 0,
      detail: { relative: 0 },
      primaryMs: 1.235,
      shadowMs: expect.any(Number),
      clock: "advancing",
    });
  });

  test("of a request without an alias is one to the default", async () => {
    expect(await run(copyOf({ model: MODEL }))).toMatchObject({ alias: "default" });
  });

  test("whose answer differs is reported so", async () => {
    const copy = copyOf({ run: async () => ({ kind: "value", value: [2] }), isPartial: true });
    expect(await run(copy)).toMatchObject({
      outcome: "different",
      distance: 1,
      isPartial: true,
    });
  });

  test("that fails is reported by its code, with the message of a failure of the service alone", async () => {
    const fail = (error: unknown) => copyOf({ run: () => Promise.reject(error) });
    expect(await run(fail(new ApiError("invalid_input", "it says 42")))).toMatchObject({
      outcome: "failed",
      errorCode: "invalid_input",
      errorMessage: undefined,
    });
    events = [];
    expect(await run(fail(new ApiError("engine_crashed", "The engine crashed.")))).toMatchObject({
      outcome: "failed",
      errorCode: "engine_crashed",
      errorMessage: "The engine crashed.",
    });
    events = [];
    expect(await run(fail(new Error("secret")))).toMatchObject({ errorCode: "internal" });
    expect(permits.every(({ released }) => released)).toBe(true);
  });

  test("has the id, the principal and the cache directives of the request, and nothing else of its call", async () => {
    const leaving = new AbortController();
    leaving.abort();
    const cache = { noCache: true, noStore: false, onlyIfCached: true, maxAgeSeconds: 5 };
    const principal = { id: async () => "someone" };
    const { call, end } = createEndedCall({ cache, principal, signal: leaving.signal });
    let copied: Call | undefined;
    const copy = copyOf({
      run: async (_shadow, given) => {
        copied = given;
        return { kind: "value", value: [1] };
      },
    });
    createCopies({ timeoutMs: 60_000 })(copy, call);
    end();
    await settle();
    expect(events).toMatchObject([{ outcome: "same" }]);
    expect(copied).toMatchObject({ id: "request-1", principal });
    expect(copied?.cache).toEqual({ ...cache, onlyIfCached: false });
    expect(copied?.trace).not.toBe(call.trace);
    expect(copied?.signal.aborted).toBe(false);
    expect(copied?.deadline.timeoutMs).toBe(25_000);
  });

  test("beyond its deadline is given up, and its call ends", async () => {
    let signal = neverAborted();
    const copy = copyOf({
      run: (_shadow, given) => {
        ({ signal } = given);
        return new Promise(() => undefined);
      },
    });
    const event = await run(copy, { timeoutMs: 20 });
    expect(event).toMatchObject({ outcome: "failed", errorCode: "deadline_exceeded" });
    expect(signal.aborted).toBe(true);
    expect(permits).toMatchObject([{ released: true }]);
  });
});

describe("a request is not copied", () => {
  const skipped = (reason: string) => ({ outcome: "skipped", reason });

  test("when requests leave no time for it", async () => {
    const event = await run(copyOf(), { admission: { admitSpare: () => undefined } });
    expect(event).toMatchObject(skipped("overloaded"));
  });

  test("when it got no time slice by its deadline", async () => {
    const busy = { ...admitSpare(), acquire: () => new Promise<void>(() => undefined) };
    const event = await run(copyOf(), { admission: { admitSpare: () => busy }, timeoutMs: 20 });
    expect(event).toMatchObject(skipped("overloaded"));
    expect(event.shadowMs).toBeUndefined();
  });

  test("when the isolate of the shadow refuses it", async () => {
    const copy = copyOf({ run: () => Promise.reject(new ApiError("overloaded", "Too much.")) });
    expect(await run(copy)).toMatchObject(skipped("overloaded"));
  });

  test("when its inputs and answer take more than copies may", async () => {
    const event = await run(copyOf({ inputs: "x".repeat(60_000) }));
    expect(event).toMatchObject(skipped("memory"));
  });

  test("for a reason that is known before", async () => {
    expect(await run(copyOf({ skip: "drawn" }))).toMatchObject(skipped("drawn"));
    expect(permits).toEqual([]);
  });

  test("when as many copies are in flight as may, or as their memory allows", async () => {
    const finishes: (() => void)[] = [];
    const slow = (inputs: unknown = []) =>
      copyOf({
        inputs,
        run: () =>
          new Promise((resolve) => finishes.push(() => resolve({ kind: "value", value: [1] }))),
      });
    const copies = createCopies();
    const start = (copy: ShadowCopy): void => {
      const { call, end } = createEndedCall();
      copies(copy, call);
      end();
    };
    const until = (what: string, is: () => boolean) => poll(what, async () => is() || undefined);
    start(slow("x".repeat(30_000)));
    start(slow("x".repeat(30_000)));
    await until("the copy that is skipped", () => events.length === 1);
    expect(events).toMatchObject([skipped("memory")]);
    for (let count = 1; count <= MAX_COPIES; count++) start(slow());
    await until("all copies", () => finishes.length === MAX_COPIES && events.length === 2);
    expect(events).toMatchObject([skipped("memory"), skipped("overloaded")]);
    for (const finish of finishes) finish();
    await settle();
    expect(events.filter(({ outcome }) => outcome === "same")).toHaveLength(MAX_COPIES);
    start(copyOf({ inputs: "x".repeat(30_000) }));
    await settle();
    expect(events.at(-1)).toMatchObject({ outcome: "same" });
  });

  test("no longer when a copy was lost with its request", async () => {
    let nowMs = 0;
    const now = (): number => nowMs;
    const bodies = createBodyBudget({ limitBytes: 100_000, now });
    const copies = createCopies({ bodies, now, timeoutMs: 25_000 });
    const lost = createEndedCall();
    copies(
      copyOf({ inputs: "x".repeat(30_000), run: () => new Promise(() => undefined) }),
      lost.call,
    );
    lost.end();
    await poll("the copy", async () => permits[0]?.acquired || undefined);
    nowMs = 55_001;
    const { call, end } = createEndedCall();
    work = [];
    copies(copyOf({ inputs: "x".repeat(30_000) }), call);
    end();
    await settle();
    expect(events).toMatchObject([{ outcome: "same" }]);
  });
});

test("a copy ends when a body needs its memory", async () => {
  const bodies = createBodyBudget({ limitBytes: 100_000 });
  const { call, end } = createEndedCall();
  let signal = neverAborted();
  const copy = copyOf({
    inputs: "x".repeat(30_000),
    run: (_shadow, given) => {
      ({ signal } = given);
      return new Promise(() => undefined);
    },
  });
  createCopies({ bodies })(copy, call);
  end();
  await poll("the copy", async () => permits[0]?.acquired || undefined);
  expect(signal.aborted).toBe(false);
  const body = bodies.reserve({ bytes: 90_000, timeoutMs: 1000 });
  await settle();
  expect(events).toMatchObject([{ outcome: "skipped", reason: "memory" }]);
  expect(signal.aborted).toBe(true);
  body.release();
  bodies.reserve({ bytes: 95_000, timeoutMs: 1000 });
});

test("a sink that fails affects nothing", async () => {
  const { call, end } = createEndedCall();
  const sink = {
    emit: () => {
      throw new Error("full");
    },
  };
  createCopies({ sink })(copyOf(), call);
  end();
  await expect(settle()).resolves.toBeUndefined();
});
