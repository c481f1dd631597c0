import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createCall } from "../../../../../src/domain/call.ts";
import { Deadline } from "../../../../../src/domain/deadline.ts";
import { awaitReply } from "../../../../../src/hosts/isolate/worker/await-reply.ts";
import { toIsolateFailure } from "../../../../../src/hosts/isolate/worker/isolate-failure.ts";

/** How long a reply of an isolate is waited for, by a clock that the tests set. */

const NEVER = new Promise<never>(() => undefined);

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test("a call without a deadline gives up an isolate that does not reply, and says so", async () => {
  const call = createCall();
  const waiting = awaitReply(NEVER, call).catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(120_000);
  const failure = toIsolateFailure(await waiting, { name: "m", version: "1" }, call);
  expect(failure).toMatchObject({ code: "engine_crashed" });
  expect(failure.message).toBe(
    'The isolate of model "m" version 1 does not reply: a run without an end may keep it busy. Try again later.',
  );
});

test("a call gives up an isolate a second after its deadline, which it names", async () => {
  const call = createCall({ deadline: new Deadline({ timeoutMs: 5000 }) });
  const waiting = awaitReply(NEVER, call).catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(6000);
  expect(await waiting).toMatchObject({
    code: "deadline_exceeded",
    message: expect.stringMatching(/^The request's timeout of 5000 ms passed/),
  });
});

test("a call whose client leaves gives up within a second", async () => {
  const client = new AbortController();
  const call = createCall({ signal: client.signal });
  const waiting = awaitReply(NEVER, call).catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(1500);
  client.abort();
  await vi.advanceTimersByTimeAsync(1000);
  expect(await waiting).toMatchObject({ code: "client_closed_request" });
});

test("a reply is returned as it is, also when it is an error", async () => {
  expect(await awaitReply(Promise.resolve(7), createCall())).toBe(7);
  await expect(awaitReply(Promise.reject(new Error("lost")), createCall())).rejects.toThrow("lost");
});
