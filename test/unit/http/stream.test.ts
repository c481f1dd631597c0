import { describe, expect, test } from "vitest";
import { ApiError } from "../../../src/domain/errors.ts";
import { callOf } from "../../../src/http/call.ts";
import { respondStream, type StreamFormat, toServerSentEvent } from "../../../src/http/stream.ts";
import { createHttpApp, type HttpApp } from "../../support/http-app.ts";

const FORMAT: StreamFormat = {
  part: (part) => toServerSentEvent(part),
  error: ({ code, message }) => toServerSentEvent({ code, message }, "error"),
};

/** More than any test requests. */
const MAX_PARTS = 1000;

/** A source of parts that a test controls, and its state. */
interface Source {
  readonly parts: AsyncGenerator<unknown>;
  /** Supplies the next part, once it was requested. */
  give(part: unknown): void;
  fail(error: unknown): void;
  finish(): void;
  /** How many parts were requested. */
  requested: number;
  hasEnded: boolean;
}

function createSource(): Source {
  type Step = { part: unknown } | { error: unknown } | "end";
  const steps: Step[] = [];
  let wake = (): void => undefined;
  const add = (step: Step): void => {
    steps.push(step);
    wake();
  };
  async function* generate(): AsyncGenerator<unknown> {
    try {
      for (source.requested = 1; source.requested < MAX_PARTS; source.requested++) {
        if (steps.length === 0)
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        const step = steps.shift();
        if (step === "end") return;
        if (!step) throw new Error("woken without a step");
        if ("error" in step) throw step.error;
        yield step.part;
      }
    } finally {
      source.hasEnded = true;
    }
  }
  const source: Source = {
    parts: generate(),
    give: (part) => add({ part }),
    fail: (error) => add({ error }),
    finish: () => add("end"),
    requested: 0,
    hasEnded: false,
  };
  return source;
}

function createApp(
  parts: AsyncIterable<unknown>,
  format: StreamFormat = FORMAT,
  keepAliveMs?: number,
): HttpApp {
  const app = createHttpApp();
  const options = keepAliveMs === undefined ? {} : { keepAliveMs };
  app.routes.get("/", (c) => respondStream(c, parts, format, options));
  return app;
}

/** One iteration of the event loop. */
function nextIteration(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function* items(...values: readonly unknown[]): AsyncGenerator<unknown> {
  for (const value of values) yield value;
}

function readerOf(response: Response): {
  next(): Promise<string | undefined>;
  cancel(): Promise<void>;
} {
  const reader = response.body?.getReader();
  if (!reader) throw new Error("the response has no body");
  return {
    async next() {
      const { done, value } = await reader.read();
      return done ? undefined : new TextDecoder().decode(value);
    },
    cancel: () => reader.cancel("enough"),
  };
}

test("parts are server-sent events that nothing on the way may keep or change", async () => {
  const app = createApp(items({ n: 1 }, "two\nlines", null));
  const response = await app.request("/", { headers: { "x-request-id": "mine" } });
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  expect(response.headers.get("cache-control")).toBe("no-store, no-transform");
  expect(response.headers.get("x-accel-buffering")).toBe("no");
  expect(response.headers.get("x-request-id")).toBe("mine");
  expect(await response.text()).toBe('data: {"n":1}\n\ndata: "two\\nlines"\n\ndata: null\n\n');
});

test("a format may end a stream that is complete", async () => {
  const app = createApp(items(1), { ...FORMAT, end: "data: [DONE]\n\n" });
  expect(await (await app.request("/")).text()).toBe("data: 1\n\ndata: [DONE]\n\n");
});

test("a stream without parts is an empty body", async () => {
  const app = createApp(items());
  expect(await (await app.request("/")).text()).toBe("");
  await app.settle();
  expect(app.events).toMatchObject([{ status: 200, bytesOut: 0 }]);
});

test("a part is computed when the client can take it, and sent when it is computed", async () => {
  const source = createSource();
  const response = await createApp(source.parts).request("/");
  const reader = readerOf(response);
  await nextIteration();
  expect(source.requested).toBe(0);
  const first = reader.next();
  await nextIteration();
  expect(source.requested).toBe(1);
  source.give("one");
  expect(await first).toBe('data: "one"\n\n');
  await nextIteration();
  expect(source.requested).toBe(1);
  source.give("two");
  expect(await reader.next()).toBe('data: "two"\n\n');
  source.finish();
  expect(await reader.next()).toBeUndefined();
});

describe("the event", () => {
  test("is written when the body has ended, with all of its bytes", async () => {
    const source = createSource();
    const app = createApp(source.parts);
    const reader = readerOf(await app.request("/"));
    source.give(1);
    await reader.next();
    await nextIteration();
    expect(app.events).toEqual([]);
    expect(app.isSettled()).toBe(false);
    source.finish();
    await reader.next();
    await app.settle();
    expect(app.events).toMatchObject([{ status: 200, bytesOut: "data: 1\n\n".length }]);
    expect(app.events[0]?.errorCode).toBeUndefined();
  });
});

describe("a stream that fails", () => {
  test("ends with an event of the error, which the request's event has, too", async () => {
    const source = createSource();
    const app = createApp(source.parts, { ...FORMAT, end: "data: [DONE]\n\n" });
    const response = await app.request("/");
    source.give(1);
    source.fail(new ApiError("inference_failed", "The input is bad."));
    expect(await response.text()).toBe(
      'data: 1\n\nevent: error\ndata: {"code":"inference_failed","message":"The input is bad."}\n\n',
    );
    await app.settle();
    expect(app.events).toMatchObject([{ status: 200, errorCode: "inference_failed" }]);
    expect(source.hasEnded).toBe(true);
  });

  test("by an unknown error does not show it", async () => {
    const source = createSource();
    const app = createApp(source.parts);
    const response = await app.request("/");
    source.fail(new Error("the password is secret"));
    const text = await response.text();
    expect(text).toContain('"code":"internal"');
    expect(text).not.toContain("secret");
    await app.settle();
    expect(app.events).toMatchObject([
      { errorCode: "internal", errorCause: expect.stringContaining("the password is secret") },
    ]);
  });
});

describe("a client that closes the connection", () => {
  const GONE = { status: 200, errorCode: "client_closed_request" };

  test("by cancelling the body ends the source, and then the request", async () => {
    const source = createSource();
    const app = createApp(source.parts);
    const reader = readerOf(await app.request("/"));
    source.give(1);
    await reader.next();
    await reader.cancel();
    await app.settle();
    expect(source.hasEnded).toBe(true);
    expect(app.events).toMatchObject([GONE]);
  });

  test("by aborting the request ends the source, and then the request", async () => {
    const source = createSource();
    const app = createApp(source.parts);
    const controller = new AbortController();
    const reader = readerOf(await app.request("/", { signal: controller.signal }));
    source.give(1);
    await reader.next();
    controller.abort();
    await app.settle();
    expect(source.hasEnded).toBe(true);
    expect(app.events).toMatchObject([GONE]);
  });

  test("while a part is computed is waited for until the source has ended", async () => {
    const source = createSource();
    const app = createApp(source.parts);
    const reader = readerOf(await app.request("/"));
    void reader.next();
    await nextIteration();
    expect(source.requested).toBe(1);
    await reader.cancel();
    await nextIteration();
    expect([source.hasEnded, app.isSettled(), app.events.length]).toEqual([false, false, 0]);
    source.give(1);
    await app.settle();
    expect(source.hasEnded).toBe(true);
    expect(app.events).toMatchObject([GONE]);
  });

  test("aborts the signal of the call", async () => {
    const app = createHttpApp();
    const signals: AbortSignal[] = [];
    app.routes.get("/", (c) => {
      signals.push(callOf(c).signal);
      return respondStream(c, items(1, 2), FORMAT);
    });
    const reader = readerOf(await app.request("/"));
    await reader.next();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    await reader.cancel();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });

  test("before the first part gets none", async () => {
    const source = createSource();
    const app = createApp(source.parts);
    const reader = readerOf(await app.request("/"));
    await reader.cancel();
    await app.settle();
    expect(source.requested).toBe(0);
    expect(app.events).toMatchObject([{ ...GONE, bytesOut: 0 }]);
  });
});

test("a stream that is silent sends comments, which are no events, and loses no part", async () => {
  const source = createSource();
  const app = createApp(source.parts, FORMAT, 1);
  const reader = readerOf(await app.request("/"));
  for (let comment = 0; comment < 3; comment++)
    expect(await reader.next()).toBe(": keep-alive\n\n");
  expect(source.requested).toBe(1);
  source.give("late");
  source.finish();
  let text = "";
  for (let reads = 0; reads < MAX_PARTS; reads++) text += (await reader.next()) ?? "";
  expect(text.replaceAll(": keep-alive\n\n", "")).toBe('data: "late"\n\n');
});

test.each([
  [{ a: 1 }, undefined, 'data: {"a":1}\n\n'],
  ["a\nb", undefined, 'data: "a\\nb"\n\n'],
  [1, "error", "event: error\ndata: 1\n\n"],
])("the event of %j named %s is %j", (data, name, text) => {
  expect(toServerSentEvent(data, name)).toBe(text);
});
