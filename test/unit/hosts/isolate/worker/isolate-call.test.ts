import { expect, test, vi } from "vitest";
import { createCall } from "../../../../../src/domain/call.ts";
import {
  IsolateCall,
  type IsolateTarget,
} from "../../../../../src/hosts/isolate/worker/isolate-call.ts";

const TARGET: IsolateTarget = {
  id: { name: "iris", version: "1" },
  digest: "d".repeat(64),
  digests: ["d".repeat(64)],
  model: undefined,
  paths: new Set(),
  open: async () => undefined,
};

test("a call to an isolate that has its reply listens to its client no more", async () => {
  const { signal } = new AbortController();
  const added = vi.spyOn(signal, "addEventListener");
  const removed = vi.spyOn(signal, "removeEventListener");
  const isolateCall = new IsolateCall(TARGET, createCall({ signal }));
  const left = isolateCall.left();
  isolateCall.replied({ value: [] });
  await left;
  expect(added).toHaveBeenCalledOnce();
  expect(removed).toHaveBeenCalledWith(...(added.mock.calls[0] ?? []));
});

test("a call to an isolate that streams its result has left when its client leaves", async () => {
  const client = new AbortController();
  const isolateCall = new IsolateCall(TARGET, createCall({ signal: client.signal }));
  const left = isolateCall.left();
  isolateCall.replied({ value: { kind: "stream" } });
  client.abort();
  await expect(left).resolves.toBeUndefined();
});

test("a call to an isolate that others have joined goes on when its first client leaves", async () => {
  const first = new AbortController();
  const others = new AbortController();
  let isJoined = false;
  const call = createCall({
    get signal() {
      return isJoined ? others.signal : first.signal;
    },
  });
  const isolateCall = new IsolateCall(TARGET, call);
  const onLeft = vi.fn();
  const left = isolateCall.left().then(onLeft);
  isJoined = true;
  first.abort();
  await Promise.resolve();
  expect(onLeft).not.toHaveBeenCalled();
  isolateCall.end();
  await left;
  expect(onLeft).toHaveBeenCalledOnce();
});

test("a call to an isolate says how long its body was, by which the isolate expects its time", () => {
  const call = createCall();
  call.trace.bytesIn = 1234;
  expect(new IsolateCall(TARGET, call).head).toMatchObject({ bodyBytes: 1234 });
});
