import type { Context } from "hono";
import { describe, expect, test } from "vitest";
import type { Principal } from "../../../src/domain/access/principal.ts";
import type { Call } from "../../../src/domain/call.ts";
import { callOf } from "../../../src/http/call.ts";
import type { AppEnv } from "../../../src/http/context.ts";
import { respondStream } from "../../../src/http/stream.ts";
import { createHttpApp } from "../../support/http-app.ts";

async function callWith(init: RequestInit, principal?: Principal): Promise<Call> {
  const app = createHttpApp();
  let call: Call | undefined;
  app.routes.get("/", (c) => {
    c.set("principal", principal);
    call = callOf(c);
    expect(callOf(c)).toBe(call);
    return c.text("");
  });
  await app.request("/", init);
  if (!call) throw new Error("the handler did not run");
  return call;
}

test("the principal is the one that was identified, and nobody where none was", async () => {
  expect(await (await callWith({})).principal.id()).toBe("anonymous");
  const principal = { id: async () => "a-client" } as Principal;
  expect((await callWith({}, principal)).principal).toBe(principal);
});

test("the request's id and its directives for the cache are the call's", async () => {
  const call = await callWith({
    headers: { "x-request-id": "mine", "cache-control": "no-store, max-age=5" },
  });
  expect(call.id).toBe("mine");
  expect(call.cache).toEqual({
    noCache: false,
    noStore: true,
    onlyIfCached: false,
    maxAgeSeconds: 5,
  });
});

test("the signal is aborted with the request's reason when the client closes the connection", async () => {
  const controller = new AbortController();
  const { signal } = await callWith({ signal: controller.signal });
  expect(signal.aborted).toBe(false);
  const reason = new Error("the client has closed the connection");
  controller.abort(reason);
  expect([signal.aborted, signal.reason]).toEqual([true, reason]);
});

test("the signal of a connection that is already closed is aborted", async () => {
  const { signal } = await callWith({ signal: AbortSignal.abort("gone") });
  expect([signal.aborted, signal.reason]).toEqual([true, "gone"]);
});

test("without admission a call has no deadline", async () => {
  const { deadline } = await callWith({});
  expect(deadline.remainingMs).toBe(Number.POSITIVE_INFINITY);
});

describe("the end of a call", () => {
  const BODY_LENGTH = 3;

  /** What happened, in order, and the app's request. */
  function createApp(respond: (c: Context<AppEnv>) => Response) {
    const order: string[] = [];
    const sink = { emit: () => void order.push("event") };
    const app = createHttpApp({ sink });
    app.routes.post("/", (c) => {
      c.set("body", new Uint8Array(BODY_LENGTH));
      for (const name of ["first", "second"])
        callOf(c).onEnd(() => order.push(`${name} ${c.get("body").byteLength}`));
      return respond(c);
    });
    return { order, app, request: () => app.request("/", { method: "POST" }) };
  }

  test("comes after the event of the request, whose body is no longer kept", async () => {
    const { order, request } = createApp((c) => c.text("whole"));
    await request();
    expect(order).toEqual(["event", "first 0", "second 0"]);
  });

  test("comes when a streamed body has been read to its end", async () => {
    const { order, app, request } = createApp((c) =>
      respondStream(c, toAsync([1, 2]), {
        part: (part) => `data: ${part}\n\n`,
        error: () => "",
      }),
    );
    const response = await request();
    expect(order).toEqual([]);
    expect(await response.text()).toBe("data: 1\n\ndata: 2\n\n");
    await app.settle();
    expect(order).toEqual(["event", "first 0", "second 0"]);
  });

  test("comes when the reader of a streamed body leaves", async () => {
    const { order, app, request } = createApp((c) =>
      respondStream(c, toAsync([1, 2]), { part: () => "data: 1\n\n", error: () => "" }),
    );
    const reader = (await request()).body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await app.settle();
    expect(order).toEqual(["event", "first 0", "second 0"]);
  });

  test("comes also after an error", async () => {
    const { order, request } = createApp(() => {
      throw new Error("broken");
    });
    expect((await request()).status).toBe(500);
    expect(order).toEqual(["event", "first 0", "second 0"]);
  });
});

async function* toAsync(parts: readonly unknown[]): AsyncGenerator<unknown> {
  yield* parts;
}
