import { describe, expect, test } from "vitest";
import { parseCacheControl } from "../../../src/domain/cache-control.ts";
import { createCall } from "../../../src/domain/call.ts";
import { Deadline } from "../../../src/domain/deadline.ts";

describe("a forked call", () => {
  test("has the identity, deadline, cache policy and signal of its parent, and a trace of its own", () => {
    const { signal } = new AbortController();
    const call = createCall({ cache: parseCacheControl("no-cache"), signal });
    const fork = call.fork();
    const { id, principal, deadline, cache, waitUntil } = call;
    expect(fork).toMatchObject({ id, cache });
    expect([fork.principal, fork.deadline, fork.waitUntil]).toEqual([
      principal,
      deadline,
      waitUntil,
    ]);
    expect(fork.signal).toBe(signal);
    expect(fork.trace).not.toBe(call.trace);
  });

  test("has the cache policy, trace and signal that it is given", () => {
    const call = createCall();
    const changes = {
      cache: parseCacheControl("no-store"),
      trace: call.trace,
      signal: new AbortController().signal,
    };
    const fork = call.fork(changes);
    expect([fork.cache, fork.trace, fork.signal]).toEqual(Object.values(changes));
    expect(fork.signal).toBe(changes.signal);
  });

  test("reads the signal of its parent only when it is needed", () => {
    let reads = 0;
    const call = createCall({
      get signal() {
        reads++;
        return new AbortController().signal;
      },
    });
    const detached = call.fork({ signal: new AbortController().signal });
    expect([detached.signal.aborted, reads]).toEqual([false, 0]);
    expect([call.fork().signal.aborted, reads]).toEqual([false, 1]);
  });

  test("ends with its parent", async () => {
    const connection = new AbortController();
    const fork = createCall({ signal: connection.signal }).fork();
    await fork.checkpoint();
    connection.abort();
    await expect(fork.checkpoint()).rejects.toMatchObject({ code: "client_closed_request" });
  });
});

test("a pause yields each time, and ends the call at its deadline and when its client has left", async () => {
  let [now, yields] = [0, 0];
  const yieldSlice = async () => {
    yields += 1;
    now += 10;
  };
  const connection = new AbortController();
  const { signal } = connection;
  const deadline = new Deadline({ timeoutMs: 25, now: () => now });
  const call = createCall({ signal, deadline, yieldSlice, now: () => now });
  await call.pause();
  await call.pause();
  expect(yields).toBe(2);
  await expect(call.pause()).rejects.toMatchObject({ code: "deadline_exceeded" });
  connection.abort();
  await expect(call.pause()).rejects.toMatchObject({ code: "client_closed_request" });
});
