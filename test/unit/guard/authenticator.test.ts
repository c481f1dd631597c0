import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { generateApiKey, generateKeyId } from "../../../src/domain/access/api-key.ts";
import type { Authenticator, Presented } from "../../../src/domain/access/authenticator.ts";
import type { Principal } from "../../../src/domain/access/principal.ts";
import type { Scope } from "../../../src/domain/access/scope.ts";
import { ApiError } from "../../../src/domain/errors.ts";
import type { GuardEvent } from "../../../src/domain/event.ts";
import { createAuthenticator } from "../../../src/guard/authenticator.ts";
import { createTestKeys, GRANTOR, type TestKeys } from "../../support/keys.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/** Identification by API keys, in one isolate. */

const GRACE_SECONDS = 60;
const ADMIN_KEY = "the-admin-key";

let keys: TestKeys;
let events: GuardEvent[];
let authenticator: Authenticator;
let background: Promise<unknown>[];

beforeEach(() => {
  stubWorkersGlobals();
  keys = createTestKeys();
  events = [];
  background = [];
  authenticator = create();
});
afterEach(() => void vi.unstubAllGlobals());

function create(changes: Partial<Parameters<typeof createAuthenticator>[0]> = {}): Authenticator {
  return createAuthenticator({
    adminKey: ADMIN_KEY,
    publicPredict: false,
    authority: keys.authority,
    keyGraceSeconds: GRACE_SECONDS,
    sink: { emit: (event) => void (event.event === "guard" && events.push(event)) },
    now: () => keys.storage.now(),
    ...changes,
  });
}

function presented(authorization: string | undefined, address?: string): Presented {
  return {
    authorization,
    address,
    requestId: "a-request",
    header: () => undefined,
    waitUntil: (work) => void background.push(work),
  };
}

interface Outcome {
  readonly principal?: string;
  readonly code?: string;
  readonly message?: string;
  readonly retryAfterSeconds?: unknown;
}

/** As the middleware does it: by what is known, else by asking. */
async function show(
  authorization: string | undefined,
  { address, scope = "predict" }: { address?: string; scope?: Scope } = {},
): Promise<Outcome> {
  const known = authorization === undefined ? undefined : authenticator.recall(authorization);
  if (known) return { principal: known.label };
  try {
    const principal: Principal = await authenticator.identify(presented(authorization, address), {
      scope,
      allowsAnonymous: true,
    });
    return { principal: principal.label };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { code, message, details } = error;
    return { code, message, retryAfterSeconds: details?.retryAfterSeconds };
  }
}

const bearer = ({ key }: { readonly key: string }): string => `Bearer ${key}`;

async function settle(): Promise<void> {
  await Promise.all(background.splice(0));
}

describe("a key", () => {
  test("is verified by its authority once, and then by what is in memory", async () => {
    const key = await keys.create({ scopes: ["predict", "metrics"], models: ["iris-*"] });
    expect(await show(bearer(key))).toEqual({ principal: `key:${key.id}` });
    const principal = authenticator.recall(bearer(key));
    expect(principal).toMatchObject({ kind: "key", label: `key:${key.id}`, models: ["iris-*"] });
    expect(principal?.scopes).toEqual(new Set(["predict", "metrics"]));
    expect(await principal?.id()).toBe(key.id);
    expect(principal?.policy?.id).toBe(key.id);
    expect(await show(`bearer ${key.key}`)).toEqual({ principal: `key:${key.id}` });
    expect(keys.questions).toEqual([[key.id]]);
  });

  test("of another secret, of another id or without a right checksum is not valid", async () => {
    const key = await keys.create();
    await show(bearer(key));
    const message = "The API key is not valid: no key is like it, or it was revoked.";
    for (const other of [generateApiKey(key.id), generateApiKey(generateKeyId())])
      expect(await show(`Bearer ${other}`)).toMatchObject({ code: "unauthorized", message });
    keys.questions.length = 0;
    const last = key.key.endsWith("0") ? "1" : "0";
    for (const wrong of [`${key.key.slice(0, -1)}${last}`, `${key.key}0`, "of_live_"])
      expect(await show(`Bearer ${wrong}`)).toMatchObject({
        code: "unauthorized",
        message: "The API key is not valid: its checksum is wrong.",
      });
    expect(keys.questions).toEqual([]);
    expect(await show(bearer(key))).toEqual({ principal: `key:${key.id}` });
  });

  test("is the same after several spaces, also where anybody may predict", async () => {
    authenticator = create({ publicPredict: true });
    const key = await keys.create();
    expect(await show(`BEARER   ${key.key}`)).toEqual({ principal: `key:${key.id}` });
    const revoked = await keys.create();
    await keys.authority.revokeKey(revoked.id, GRANTOR);
    expect((await show(`Bearer  ${revoked.key}`)).code).toBe("unauthorized");
  });

  test("that was revoked is not valid, as one that never was", async () => {
    const key = await keys.create();
    await keys.authority.revokeKey(key.id, GRANTOR);
    const revoked = await show(bearer(key));
    expect(revoked.code).toBe("unauthorized");
    expect(await show(`Bearer ${generateApiKey(generateKeyId())}`)).toEqual(revoked);
  });

  test("that is disabled is refused, and accepted when it is enabled again", async () => {
    const key = await keys.create();
    await keys.authority.updateKey(key.id, { disabled: true }, GRANTOR);
    expect(await show(bearer(key))).toMatchObject({
      code: "unauthorized",
      message: "The API key is disabled.",
    });
    await keys.authority.updateKey(key.id, { disabled: false }, GRANTOR);
    keys.storage.advance(5000);
    expect(await show(bearer(key))).toEqual({ principal: `key:${key.id}` });
  });

  test("is refused from the millisecond on in which it expires", async () => {
    const expiresAt = new Date(keys.storage.now() + 2000).toISOString();
    const key = await keys.create({ expiresAt });
    await show(bearer(key));
    keys.storage.advance(1999);
    expect(await show(bearer(key))).toEqual({ principal: `key:${key.id}` });
    keys.storage.advance(1);
    expect(await show(bearer(key))).toMatchObject({
      code: "unauthorized",
      message: "The API key has expired.",
    });
  });

  test("has both secrets while a rotation overlaps, the new one at once", async () => {
    const old = await keys.create();
    await show(bearer(old));
    keys.storage.advance(1);
    const next = await keys.rotate(old.id, 2);
    expect(await show(bearer(next))).toEqual({ principal: `key:${old.id}` });
    for (const each of [old, next]) expect(authenticator.recall(bearer(each))).toBeDefined();
    keys.storage.advance(1999);
    for (const each of [old, next])
      expect(await show(bearer(each))).toEqual({ principal: `key:${old.id}` });
    keys.storage.advance(1);
    expect(await show(bearer(old))).toMatchObject({ code: "unauthorized" });
    expect(await show(bearer(next))).toEqual({ principal: `key:${old.id}` });
  });
});

describe("what is known of a key", () => {
  test("is used for less than 5 s, so that a revocation is seen by then", async () => {
    const key = await keys.create();
    await show(bearer(key));
    await keys.authority.revokeKey(key.id, GRANTOR);
    keys.storage.advance(2499);
    expect(await show(bearer(key))).toEqual({ principal: `key:${key.id}` });
    expect(keys.questions).toHaveLength(1);
    keys.storage.advance(2501);
    expect(authenticator.recall(bearer(key))).toBeUndefined();
    expect(await show(bearer(key))).toMatchObject({ code: "unauthorized" });
  });

  test("is counted from when the authority was asked, not from its answer", async () => {
    const key = await keys.create();
    keys.reach = "hangs";
    const first = show(bearer(key));
    await keys.authority.revokeKey(key.id, GRANTOR);
    keys.storage.advance(1500);
    keys.reach = "answers";
    keys.release();
    expect(await first).toEqual({ principal: `key:${key.id}` });
    keys.storage.advance(3500);
    expect(await show(bearer(key))).toMatchObject({ code: "unauthorized" });
  });

  test("is asked for again after 2.5 s, for which no request waits", async () => {
    const key = await keys.create();
    await show(bearer(key));
    keys.reach = "hangs";
    for (const passedMs of [2500, 2499]) {
      keys.storage.advance(passedMs);
      expect(await show(bearer(key))).toEqual({ principal: `key:${key.id}` });
      expect(authenticator.recall(bearer(key))).toBeDefined();
    }
    expect(keys.questions).toHaveLength(2);
    keys.reach = "answers";
    keys.release();
    await settle();
    expect(authenticator.recall(bearer(key))).toBeDefined();
    // It was asked 2.5 s ago.
    keys.storage.advance(1);
    expect(authenticator.recall(bearer(key))).toBeUndefined();
    expect(await show(bearer(key))).toEqual({ principal: `key:${key.id}` });
  });

  test("is refreshed with one question for all keys that were used", async () => {
    const all = await Promise.all(Array.from({ length: 130 }, () => keys.create()));
    for (const key of all) await show(bearer(key));
    const [first, ...others] = all;
    keys.storage.advance(3000);
    for (const key of others.slice(0, 119)) authenticator.recall(bearer(key));
    keys.questions.length = 0;
    await show(first ? bearer(first) : "");
    await settle();
    expect(keys.questions.map((ids) => ids.length)).toEqual([100]);
  });

  test("has the changes of its policy within 5 s, and the same policy while nothing changes", async () => {
    const key = await keys.create();
    await show(bearer(key));
    const { policy } = authenticator.recall(bearer(key)) ?? {};
    keys.storage.advance(5000);
    await show(bearer(key));
    expect(authenticator.recall(bearer(key))?.policy).toBe(policy);
    await keys.authority.updateKey(key.id, { scopes: ["metrics"] }, GRANTOR);
    keys.storage.advance(5000);
    await show(bearer(key));
    expect(authenticator.recall(bearer(key))?.scopes).toEqual(new Set(["metrics"]));
  });

  test("requests at the same time ask once", async () => {
    const key = await keys.create();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => show(bearer(key))));
    expect(new Set(outcomes.map(({ principal }) => principal))).toEqual(new Set([`key:${key.id}`]));
    expect(keys.questions).toHaveLength(1);
  });
});

describe("an authority that is out of reach", () => {
  test("known keys go on for the time of grace, and then are refused with 503", async () => {
    const key = await keys.create();
    await show(bearer(key));
    keys.reach = "fails";
    keys.storage.advance(5000);
    for (let i = 0; i < 3; i++) {
      expect(await show(bearer(key))).toEqual({ principal: `key:${key.id}` });
      keys.storage.advance(1000);
      await settle();
    }
    keys.storage.advance(GRACE_SECONDS * 1000 - 8000 - 1);
    expect(await show(bearer(key))).toEqual({ principal: `key:${key.id}` });
    keys.storage.advance(1);
    expect(await show(bearer(key))).toMatchObject({
      code: "authority_unavailable",
      retryAfterSeconds: 1,
    });
    expect(events).toEqual([
      {
        event: "guard",
        schemaVersion: 3,
        time: "2026-11-30T12:00:05.000Z",
        kind: "authority_unreachable",
        principal: `key:${key.id}`,
        isAccepted: true,
      },
    ]);
  });

  test("keys that were never seen are refused with 503, and wrong secrets of known ones", async () => {
    const known = await keys.create();
    const unknown = await keys.create();
    await show(bearer(known));
    keys.reach = "fails";
    keys.storage.advance(5000);
    await show(bearer(known));
    keys.storage.advance(1);
    for (let i = 0; i < 2; i++)
      expect(await show(bearer(unknown))).toMatchObject({ code: "authority_unavailable" });
    expect((await show(`Bearer ${generateApiKey(known.id)}`)).code).toBe("authority_unavailable");
    expect(events.map(({ principal, isAccepted }) => [principal, isAccepted])).toEqual([
      [`key:${known.id}`, true],
      [`key:${unknown.id}`, false],
    ]);
  });

  test("is asked once a second, and when it answers, what it says counts", async () => {
    const key = await keys.create();
    await show(bearer(key));
    keys.reach = "fails";
    keys.storage.advance(5000);
    keys.questions.length = 0;
    for (let i = 0; i < 50; i++) {
      await show(bearer(key));
      await settle();
      keys.storage.advance(100);
    }
    expect(keys.questions.length).toBeLessThanOrEqual(6);
    await keys.authority.revokeKey(key.id, GRANTOR);
    keys.reach = "answers";
    keys.storage.advance(1000);
    await show(bearer(key));
    await settle();
    expect(await show(bearer(key))).toMatchObject({ code: "unauthorized" });
    expect(events.map(({ kind }) => kind)).toEqual([
      "authority_unreachable",
      "authority_reachable",
    ]);
  });

  test("that does not answer counts as out of reach after 2 s", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const key = await keys.create();
      keys.reach = "hangs";
      const outcome = show(bearer(key));
      await vi.advanceTimersByTimeAsync(2000);
      expect(await outcome).toMatchObject({ code: "authority_unavailable" });
    } finally {
      vi.useRealTimers();
    }
  });

  test("without grace, known keys are refused as soon as what is known is not fresh", async () => {
    authenticator = create({ keyGraceSeconds: 0 });
    const key = await keys.create();
    await show(bearer(key));
    keys.reach = "fails";
    keys.storage.advance(4999);
    expect(await show(bearer(key))).toEqual({ principal: `key:${key.id}` });
    keys.storage.advance(1);
    expect(await show(bearer(key))).toMatchObject({ code: "authority_unavailable" });
  });
});

describe("guesses", () => {
  const ADDRESS = "203.0.113.7";
  let guessed = 0;
  const guess = () => `Bearer guess-${guessed++}`;

  test("of an address are slowed after ten, and those of others are not", async () => {
    for (let i = 0; i < 10; i++)
      expect((await show(guess(), { address: ADDRESS })).code).toBe("unauthorized");
    expect(await show(guess(), { address: ADDRESS })).toMatchObject({
      code: "too_many_attempts",
      retryAfterSeconds: 6,
    });
    expect((await show(guess(), { address: "203.0.113.8" })).code).toBe("unauthorized");
    expect((await show(guess())).code).toBe("unauthorized");
    expect(events).toMatchObject([
      { kind: "guesses_slowed", network: "203.0.113.0/24", requestId: "a-request" },
    ]);
    keys.storage.advance(6000);
    expect((await show(guess(), { address: ADDRESS })).code).toBe("unauthorized");
    expect((await show(guess(), { address: ADDRESS })).code).toBe("too_many_attempts");
    expect(events).toHaveLength(1);
  });

  test("of one /64 of IPv6 count together", async () => {
    for (let i = 0; i < 10; i++) await show(guess(), { address: `2001:db8:1:2:${i}::${i}` });
    expect((await show(guess(), { address: "2001:db8:1:2::" })).code).toBe("too_many_attempts");
    expect((await show(guess(), { address: "2001:db8:1:3::" })).code).toBe("unauthorized");
    expect(events.map(({ network }) => network)).toEqual(["2001:db8:1::/48"]);
  });

  test("do not keep a key of the same address out, also one that this isolate has not seen", async () => {
    const known = await keys.create();
    const other = await keys.create();
    await show(bearer(known));
    for (let i = 0; i < 12; i++) await show(guess(), { address: ADDRESS });
    for (const key of [known, other])
      expect(await show(bearer(key), { address: ADDRESS })).toEqual({ principal: `key:${key.id}` });
  });

  test("of ADMIN_KEY do not show whether they are right while the address has to wait", async () => {
    for (let i = 0; i < 10; i++) await show(guess(), { address: ADDRESS });
    const right = await show(`Bearer ${ADMIN_KEY}`, { address: ADDRESS });
    const wrong = await show(guess(), { address: ADDRESS });
    expect(right).toEqual(wrong);
    expect(right.code).toBe("too_many_attempts");
  });

  test("do not keep the operator out of an address that has shown ADMIN_KEY before", async () => {
    const { principal } = await show(`Bearer ${ADMIN_KEY}`, { address: ADDRESS });
    expect(principal).toMatch(/^key:[0-9a-f]{8}$/);
    for (let i = 0; i < 12; i++) await show(guess(), { address: ADDRESS });
    expect(await show(`Bearer ${ADMIN_KEY}`, { address: ADDRESS })).toEqual({ principal });
  });

  test("of keys do not reach the authority any more, and known keys go on", async () => {
    const known = await keys.create();
    await show(bearer(known));
    keys.questions.length = 0;
    const keyGuess = () => `Bearer ${generateApiKey(generateKeyId())}`;
    for (let i = 0; i < 30; i++) await show(keyGuess(), { address: ADDRESS });
    expect(keys.questions).toHaveLength(10);
    expect((await show(keyGuess(), { address: ADDRESS })).code).toBe("too_many_attempts");
    for (let i = 0; i < 30; i++)
      await show(`Bearer ${generateApiKey(known.id)}`, { address: ADDRESS });
    expect(keys.questions).toHaveLength(10);
    expect(await show(bearer(known), { address: ADDRESS })).toEqual({
      principal: `key:${known.id}`,
    });
  });

  test("are different texts: a client that repeats a wrong key is told each time that it is wrong", async () => {
    for (let i = 0; i < 30; i++)
      expect((await show("Bearer the-same", { address: ADDRESS })).code).toBe("unauthorized");
  });

  test("where anybody may predict, a client with any text predicts, and is slowed elsewhere", async () => {
    authenticator = create({ publicPredict: true });
    for (let i = 0; i < 30; i++)
      expect(await show(guess(), { address: ADDRESS })).toEqual({ principal: "anonymous" });
    expect((await show(guess(), { address: ADDRESS, scope: "keys" })).code).toBe(
      "too_many_attempts",
    );
    expect((await show("Bearer of_live_nothing", { address: ADDRESS })).code).toBe(
      "too_many_attempts",
    );
  });
});

test("without an authority there are no keys, and the message says so", async () => {
  authenticator = create({ authority: undefined });
  const key = await keys.create();
  const { code, message } = await show(bearer(key));
  expect([code, message]).toEqual([
    "unauthorized",
    "The API key is not valid: this server has no API keys, as the binding KEYS is missing.",
  ]);
});
