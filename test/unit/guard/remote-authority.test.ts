import { afterEach, describe, expect, it, vi } from "vitest";
import { toOutcome } from "../../../src/domain/durable-object/outcome.ts";
import { ApiError } from "../../../src/domain/errors.ts";
import { type AuthorityStub, createRemoteAuthority } from "../../../src/guard/remote-authority.ts";
import { rejectedApiError } from "../../support/errors.ts";
import { createLocalAuthority } from "../../support/local-authority.ts";

const BY = { label: "key:0a1b2c3d", scopes: ["admin"] } as const;

/** An authority whose answers are given, each to a stub of its own. */
function answering(...answers: readonly (() => unknown)[]) {
  let calls = 0;
  const authority = createRemoteAuthority(() => {
    const answer = answers[calls++];
    return new Proxy({} as AuthorityStub, { get: () => async () => answer?.() });
  });
  return { authority, calls: () => calls };
}

function failing(properties: object) {
  return (): never => {
    throw Object.assign(new Error("the object is gone"), properties);
  };
}

const found = () => toOutcome(() => []);

afterEach(() => {
  vi.useRealTimers();
});

describe("the authority of a Durable Object", () => {
  it("throws the errors of its methods with their code, message and details", async () => {
    const refused = new ApiError("forbidden", "No.", { details: { scope: "admin" } });
    const { authority } = answering(() =>
      structuredClone(
        toOutcome(() => {
          throw refused;
        }),
      ),
    );
    const error = await rejectedApiError("forbidden", authority.getKey("a", BY));
    expect(error).toMatchObject({ message: "No.", details: { scope: "admin" } });
  });

  it("is asked again, by another stub, when the runtime says that it may help", async () => {
    const { authority, calls } = answering(failing({ retryable: true }), found);
    expect(await authority.find([])).toEqual([]);
    expect(calls()).toBe(2);
  });

  it.each([
    ["it may not help", {}],
    ["it is overloaded", { retryable: true, overloaded: true }],
  ])("is asked once when %s", async (_, properties) => {
    const { authority, calls } = answering(failing(properties), found);
    const error = await rejectedApiError("authority_unavailable", authority.find([]));
    expect(error.cause).toMatchObject({ message: "the object is gone" });
    expect(error.message).not.toContain("the object is gone");
    expect(calls()).toBe(1);
  });

  it("is asked twice at most", async () => {
    const { authority, calls } = answering(
      failing({ retryable: true }),
      failing({ retryable: true }),
      found,
    );
    await rejectedApiError("authority_unavailable", authority.find([]));
    expect(calls()).toBe(2);
  });

  it("is out of reach when no stub can be made", async () => {
    const authority = createRemoteAuthority(failing({}));
    await rejectedApiError("authority_unavailable", authority.find([]));
  });

  it("is out of reach when it does not answer within 5 seconds", async () => {
    vi.useFakeTimers();
    const { authority } = answering(() => new Promise(() => undefined));
    const refused = rejectedApiError("authority_unavailable", authority.find([]));
    await vi.advanceTimersByTimeAsync(5000);
    expect((await refused).cause).toMatchObject({ message: expect.stringContaining("5000 ms") });
  });

  it("has one effect of a creation that is repeated", async () => {
    const authority = createLocalAuthority();
    const key = { id: "000000000001", sha256: "0".repeat(64) };
    const fields = { name: "a", scopes: ["predict"] } as const;
    const first = await authority.createKey(key, fields, BY);
    expect(await authority.createKey(key, fields, BY)).toEqual(first);
    expect((await authority.listKeys({ limit: 5 }, BY)).keys).toEqual([first]);
  });
});
