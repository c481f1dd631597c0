import { expect, test } from "vitest";
import { createCall } from "../../../../../src/domain/call.ts";
import { ApiError } from "../../../../../src/domain/errors.ts";
import { toIsolateFailure } from "../../../../../src/hosts/isolate/worker/isolate-failure.ts";

/** What the platform throws when an isolate has ended; only Cloudflare's network has limits. */

const ID = { name: "m", version: "1" };

test.each([
  ["Worker exceeded memory limit.", "out_of_memory", /more than its 128 MB/],
  ["Worker exceeded CPU time limit.", "engine_crashed", /more CPU time/],
  ["The Dynamic Worker exceeded its limit of CPU time.", "engine_crashed", /more CPU time/],
  ["Network connection lost.", "engine_crashed", /has ended; the next request gets a new one/],
])("%s is %s", (thrown, code, message) => {
  const failure = toIsolateFailure(new Error(thrown), ID, createCall());
  expect(failure).toMatchObject({ code, details: { model: "m", version: "1" } });
  expect(failure.message).toMatch(message);
  expect(failure.message).toContain('model "m" version 1');
  expect(failure.cause).toMatchObject({ message: thrown });
});

test("what an isolate throws when its client has left is that the client has left", () => {
  const signal = AbortSignal.abort();
  expect(() => toIsolateFailure(new Error("lost"), ID, createCall({ signal }))).toThrow(
    "The client closed the connection.",
  );
});

test("an error of the API stays what it is", () => {
  const error = new ApiError("invalid_input", "The input is wrong.");
  expect(toIsolateFailure(error, ID, createCall())).toBe(error);
});
