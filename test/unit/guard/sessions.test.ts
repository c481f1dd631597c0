import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { readSessionCookie, SESSION_COOKIE } from "../../../src/domain/access/session-cookie.ts";
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
  expect(pair).toMatch(/^__Host-onnxflare=v1\.AbCdEf012345\.\d{10}\.[\w-]{43}\.[\w-]{43}$/);
  expect(attributes).toEqual(["Max-Age=3600", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"]);
  expect(expiresAt).toBe("2026-11-30T13:00:00.000Z");
});

test("its binding and its MAC are the HMAC of Node, with a key by PBKDF2", async () => {
  const { keyId, expiresAt, binding, mac } = claimOf((await sessions.open(ofKey)).cookie);
  const key = pbkdf2Sync(ADMIN_KEY, "onnxflare session v1", 100_000, 32, "sha256");
  const hmac = (text: string): string => createHmac("sha256", key).update(text).digest("base64url");
  expect(binding).toBe(hmac(`key\n${DIGEST}`));
  expect(mac).toBe(hmac(`session\nv1.${keyId}.${expiresAt}.${binding}`));
});

test("a session ends with its key", async () => {
  const expiresAt = NOW + 90_500;
  const { cookie } = await sessions.open({ ...ofKey, expiresAt });
  expect(cookie).toContain("Max-Age=90;");
  const claim = claimOf(cookie);
  const isOpenAt = (at: number, each = claim) => new Sessions(ADMIN_KEY, () => at).isOpen(each);
  expect([await isOpenAt(NOW + 89_999), await isOpenAt(NOW + 90_000)]).toEqual([true, false]);
  const admin = claimOf((await sessions.open(undefined)).cookie);
  const last = NOW + SESSION_SECONDS * 1000;
  expect([await isOpenAt(last - 1, admin), await isOpenAt(last, admin)]).toEqual([true, false]);
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

  test("cannot be prolonged, or given to another key, secret or server", async () => {
    const claim = claimOf((await sessions.open(ofKey)).cookie);
    const admin = claimOf((await sessions.open(undefined)).cookie);
    expect([await sessions.isOpen(claim), await sessions.isOpen(admin)]).toEqual([true, true]);
    for (const changed of [
      { ...claim, expiresAt: claim.expiresAt + 1 },
      { ...claim, keyId: "AbCdEf012346" },
      { ...claim, keyId: undefined },
      { ...claim, binding: admin.binding },
      { ...claim, mac: claim.binding },
      { ...claim, mac: admin.mac },
      { ...claim, mac: "A".repeat(43) },
      { ...admin, keyId: KEY_ID },
    ])
      expect(await sessions.isOpen(changed)).toBe(false);
    expect(await new Sessions("another-key-for-tests", () => NOW).isOpen(claim)).toBe(false);
  });
});

describe("the header Cookie", () => {
  const value = `v1.${KEY_ID}.1764504000.${"A".repeat(43)}.${"B".repeat(43)}`;
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
    `${SESSION_COOKIE}=v1.root${value.slice(15)}`,
    `${SESSION_COOKIE}=${value.replace("1764504000", "1e9")}`,
    `${SESSION_COOKIE}=${value}; ${"x".repeat(9000)}`,
  ])("%j has none", (header) => {
    expect(readSessionCookie(header)).toBeUndefined();
  });
});
