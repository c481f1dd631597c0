import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { readSessionCookie, SESSION_COOKIE } from "../../../src/guard/sessions/session-cookie.ts";
import { SESSION_SECONDS, Sessions } from "../../../src/guard/sessions/sessions.ts";

const ADMIN_KEY = "a-key-for-tests";
const NOW = Date.parse("2026-11-30T12:00:00Z");
const KEY_ID = "AbCdEf012345";
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const DIGEST = sha256("a secret");

const sessions = new Sessions(ADMIN_KEY, () => NOW);
const ofKey = { keyId: KEY_ID, sha256: DIGEST, expiresAt: Number.POSITIVE_INFINITY };

/** What a browser sends back of `Set-Cookie`. */
const pairOf = (cookie: string): string => cookie.split(";")[0] ?? "";

function claimOf(cookie: string) {
  const claim = readSessionCookie(pairOf(cookie));
  if (!claim) throw new Error(`no claim in ${cookie}`);
  return claim;
}

const keyWith = (...digests: string[]) => ({
  policy: { id: KEY_ID, name: "dashboard", scopes: [] },
  state: "active" as const,
  digests: digests.map((each) => ({ sha256: each })),
});

test("a cookie is for the host alone, for an hour, and not for scripts and other sites", async () => {
  const { cookie, expiresAt } = await sessions.open(ofKey);
  const [pair, ...attributes] = cookie.split("; ");
  expect(pair).toMatch(/^__Host-onnxflare=v1\.AbCdEf012345\.\d{10}\.[\w-]{43}$/);
  expect(attributes).toEqual(["Max-Age=3600", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"]);
  expect(expiresAt).toBe("2026-11-30T13:00:00.000Z");
});

test("its MAC is the HMAC of Node, with a key by PBKDF2", async () => {
  const { keyId, expiresAt, mac } = claimOf((await sessions.open(ofKey)).cookie);
  const key = pbkdf2Sync(ADMIN_KEY, "onnxflare session v1", 100_000, 32, "sha256");
  const text = `v1.${keyId}.${expiresAt}\n${DIGEST}`;
  expect(mac).toBe(createHmac("sha256", key).update(text).digest("base64url"));
});

test("a session ends with its key", async () => {
  const expiresAt = NOW + 90_500;
  const { cookie } = await sessions.open({ ...ofKey, expiresAt });
  expect(cookie).toContain("Max-Age=90;");
  const claim = claimOf(cookie);
  expect(sessions.hasEnded(claim)).toBe(false);
  expect(new Sessions(ADMIN_KEY, () => NOW + 90_000).hasEnded(claim)).toBe(true);
  const admin = claimOf((await sessions.open(undefined)).cookie);
  const last = NOW + SESSION_SECONDS * 1000;
  expect(new Sessions(ADMIN_KEY, () => last - 1).hasEnded(admin)).toBe(false);
  expect(new Sessions(ADMIN_KEY, () => last).hasEnded(admin)).toBe(true);
});

describe("a session of a key", () => {
  test("is bound to the secret that was shown, also beside that of a rotation", async () => {
    const claim = claimOf((await sessions.open(ofKey)).cookie);
    expect(await sessions.findDigest(claim, keyWith(sha256("new"), DIGEST))).toEqual({
      sha256: DIGEST,
    });
    expect(await sessions.findDigest(claim, keyWith(sha256("new")))).toBeUndefined();
    expect(await sessions.findDigest(claim, keyWith())).toBeUndefined();
  });

  test("is none of the admin key, and the other way round", async () => {
    const claim = claimOf((await sessions.open(ofKey)).cookie);
    const admin = claimOf((await sessions.open(undefined)).cookie);
    expect(await sessions.isOfAdmin(claim)).toBe(false);
    expect(await sessions.isOfAdmin({ ...claim, keyId: undefined })).toBe(false);
    expect(await sessions.isOfAdmin(admin)).toBe(true);
    expect(await sessions.findDigest({ ...admin, keyId: KEY_ID }, keyWith(DIGEST))).toBeUndefined();
  });

  test("cannot be prolonged, or given to another key or server", async () => {
    const claim = claimOf((await sessions.open(ofKey)).cookie);
    const key = keyWith(DIGEST);
    for (const changed of [
      { ...claim, expiresAt: claim.expiresAt + 1 },
      { ...claim, keyId: "AbCdEf012346" },
      { ...claim, mac: `${claim.mac.slice(0, -1)}A` },
      { ...claim, mac: "A".repeat(43) },
    ])
      expect(await sessions.findDigest(changed, key)).toBeUndefined();
    const other = new Sessions("another-key-for-tests", () => NOW);
    expect(await other.findDigest(claim, key)).toBeUndefined();
    expect(await sessions.findDigest(claim, key)).toBeDefined();
  });
});

describe("the header Cookie", () => {
  const value = `v1.${KEY_ID}.1764504000.${"A".repeat(43)}`;
  test.each([
    `${SESSION_COOKIE}=${value}`,
    `a=b; ${SESSION_COOKIE}=${value}; c=d`,
    `a=${SESSION_COOKIE};${SESSION_COOKIE}=${value}`,
  ])("%s has a session", (header) => {
    expect(readSessionCookie(header)).toMatchObject({ keyId: KEY_ID, expiresAt: 1_764_504_000 });
  });

  test.each([
    undefined,
    "",
    `onnxflare=${value}`,
    `${SESSION_COOKIE.toLowerCase()}=${value}`,
    `x${SESSION_COOKIE}=${value}`,
    `${SESSION_COOKIE}=`,
    `${SESSION_COOKIE}=${value}x`,
    `${SESSION_COOKIE}="${value}"`,
    `${SESSION_COOKIE}=${value}; ${SESSION_COOKIE}=${value}`,
    `${SESSION_COOKIE}=v2${value.slice(2)}`,
    `${SESSION_COOKIE}=v1.root.1764504000.${"A".repeat(43)}`,
    `${SESSION_COOKIE}=v1.admin.1e9.${"A".repeat(43)}`,
    `${SESSION_COOKIE}=${value}; ${"x".repeat(9000)}`,
  ])("%j has none", (header) => {
    expect(readSessionCookie(header)).toBeUndefined();
  });
});
