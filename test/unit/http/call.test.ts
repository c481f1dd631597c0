import { describe, expect, test } from "vitest";
import type { Call } from "../../../src/domain/call.ts";
import { callOf } from "../../../src/http/call.ts";
import { createHttpApp } from "../../support/http-app.ts";

async function callWith(init: RequestInit): Promise<Call> {
  const app = createHttpApp();
  let call: Call | undefined;
  app.routes.get("/", (c) => {
    call = callOf(c);
    expect(callOf(c)).toBe(call);
    return c.text("");
  });
  await app.request("/", init);
  if (!call) throw new Error("the handler did not run");
  return call;
}

describe("the principal", () => {
  const idOf = async (authorization?: string): Promise<string> => {
    const { principal } = await callWith({
      headers: authorization === undefined ? {} : { authorization },
    });
    return principal.id();
  };

  test("without a key is anonymous", async () => {
    expect(await idOf()).toBe("anonymous");
  });

  test.each([
    // printf alice | sha256sum
    ["Bearer alice", "2bd806c97f0e00af"],
    ["bearer alice", "2bd806c97f0e00af"],
    ["Bearer  alice", "2bd806c97f0e00af"],
    // printf bob | sha256sum
    ["Bearer bob", "81b637d8fcd2c6da"],
  ])("of %s is the beginning of the SHA-256 of the key", async (authorization, id) => {
    expect(await idOf(authorization)).toBe(id);
  });

  test("of another scheme is one of its own", async () => {
    expect(await idOf("Basic alice")).not.toBe(await idOf("Bearer alice"));
  });
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
