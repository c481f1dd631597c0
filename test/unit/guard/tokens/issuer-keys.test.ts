import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseConfig } from "../../../../src/config.ts";
import type { IdentityProvider } from "../../../../src/domain/access/identity-provider.ts";
import type { Principal } from "../../../../src/domain/access/principal.ts";
import { createIdentityProviders } from "../../../../src/guard/tokens/create-identity-providers.ts";
import {
  COOLDOWN_MS,
  FIRST_COOLDOWN_MS,
  KEYS_FRESH_MS,
  KEYS_KEPT_MS,
} from "../../../../src/guard/tokens/issuer-keys.ts";
import { AUDIENCE, type Issuer, startIssuer } from "../../../support/issuer.ts";

/** The keys of an issuer that serves them over HTTP, and signs with jose. */

let issuer: Issuer;
let started: number;
let now: number;
let outages: (string | undefined)[];
let background: Promise<unknown>[];

beforeEach(async () => {
  issuer = await startIssuer();
  started = Date.now();
  now = started;
  outages = [];
  background = [];
});

afterEach(() => issuer.close());

function createProvider(settings: Record<string, string> = {}): IdentityProvider {
  const { tokens } = parseConfig({ JWT_ISSUER: issuer.url, JWT_AUDIENCE: AUDIENCE, ...settings });
  const [provider] = createIdentityProviders({
    tokens,
    access: undefined,
    fetch: (url, init) => fetch(url, init),
    onChange: (_, outage) => void outages.push(outage?.problem),
    now: () => now,
  });
  if (!provider) throw new Error("no provider");
  return provider;
}

function identify(provider: IdentityProvider, token: string) {
  return provider.identify({
    authorization: `Bearer ${token}`,
    header: () => undefined,
    waitUntil: (work) => void background.push(work),
  });
}

async function codeOf(provider: IdentityProvider, token: string): Promise<string> {
  try {
    return ((await identify(provider, token)) as Principal).kind;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

/** A token that is valid at every time of these tests. */
const lasting = (header: { kid?: string } = {}): Promise<string> =>
  issuer.sign({ exp: Math.floor(started / 1000) + 10 * 86_400 }, header);

const KEYS_READ = ["/.well-known/openid-configuration", "/keys"];

describe("a token that was verified", () => {
  test("is accepted again without waiting, without a signature and without a request", async () => {
    const provider = createProvider();
    const token = await lasting();
    const first = await identify(provider, token);
    const again = identify(provider, token);
    expect(again).toBe(first);
    expect(provider.recall?.(`Bearer ${token}`)).toBe(first);
    expect(provider.recall?.(`Bearer ${token}A`)).toBeUndefined();
    expect(issuer.requests).toEqual(KEYS_READ);
  });

  test("is refused from its expiry on, with a tolerance of 30 s", async () => {
    const provider = createProvider();
    const exp = Math.floor(started / 1000) + 60;
    const token = await issuer.sign({ exp });
    expect(await codeOf(provider, token)).toBe("token");
    now = exp * 1000 + 29_000;
    expect(await codeOf(provider, token)).toBe("token");
    now = exp * 1000 + 30_000;
    expect(provider.recall?.(`Bearer ${token}`)).toBeUndefined();
    expect(await codeOf(provider, token)).toBe("unauthorized");
  });

  test("does not stand for another one with the same end", async () => {
    const provider = createProvider();
    const token = await lasting();
    expect(await codeOf(provider, token)).toBe("token");
    const [head, , signature] = token.split(".");
    const claims = { iss: issuer.url, aud: AUDIENCE, sub: "mallory", exp: 4_102_444_800 };
    const payload = Buffer.from(JSON.stringify(claims)).toString("base64url");
    expect(await codeOf(provider, `${head}.${payload}.${signature}`)).toBe("unauthorized");
    expect(await codeOf(provider, token)).toBe("token");
  });

  test("is refused when the issuer has withdrawn its key", async () => {
    const provider = createProvider();
    const token = await lasting();
    expect(await codeOf(provider, token)).toBe("token");
    issuer.keys = [];
    now += KEYS_FRESH_MS;
    expect(provider.recall?.(`Bearer ${token}`)).toBeUndefined();
    // Read in the background of this request.
    expect(await codeOf(provider, token)).toBe("token");
    await Promise.all(background);
    expect(await codeOf(provider, token)).toBe("unauthorized");
  });

  test("is one of a thousand at most that are kept", async () => {
    const provider = createProvider();
    const tokens = await Promise.all(
      Array.from({ length: 1001 }, (_, i) => issuer.sign({ sub: `client ${i}` })),
    );
    for (const token of tokens) await identify(provider, token);
    expect(identify(provider, tokens[1000] ?? "")).not.toBeInstanceOf(Promise);
    expect(identify(provider, tokens[0] ?? "")).toBeInstanceOf(Promise);
  });
});

describe("keys", () => {
  test("a key that is not known is read once, and then tokens with it are accepted", async () => {
    const provider = createProvider();
    expect(await codeOf(provider, await lasting())).toBe("token");
    const old = await lasting();
    await issuer.rotate("second", "RS256");
    const token = await lasting();
    // The issuer was asked a moment ago.
    expect(await codeOf(provider, token)).toBe("unauthorized");
    now += COOLDOWN_MS;
    expect(await codeOf(provider, token)).toBe("token");
    expect(issuer.requests).toEqual([...KEYS_READ, ...KEYS_READ]);
    // Both are valid while the issuer has both.
    expect(await codeOf(provider, old)).toBe("token");
  });

  test("tokens with unknown keys make the server ask once in 30 s, however many there are", async () => {
    const provider = createProvider();
    const good = await lasting();
    expect(await codeOf(provider, good)).toBe("token");
    for (let second = 0; second < 120; second++) {
      const token = await lasting({ kid: `guess ${second}` });
      expect(await codeOf(provider, token)).toBe("unauthorized");
      now += 1000;
    }
    expect(issuer.requests.length / 2).toBeLessThanOrEqual(1 + 120_000 / COOLDOWN_MS);
    expect(await codeOf(provider, good)).toBe("token");
  });

  test("requests at the same time read the keys once", async () => {
    const provider = createProvider();
    const tokens = await Promise.all(
      Array.from({ length: 20 }, (_, i) => issuer.sign({ sub: `client ${i}` })),
    );
    const kinds = await Promise.all(tokens.map((token) => codeOf(provider, token)));
    expect(new Set(kinds)).toEqual(new Set(["token"]));
    expect(issuer.requests).toEqual(KEYS_READ);
  });

  test("are read from JWT_JWKS_URL where that is set", async () => {
    const provider = createProvider({ JWT_JWKS_URL: `${issuer.url}/keys` });
    expect(await codeOf(provider, await lasting())).toBe("token");
    expect(issuer.requests).toEqual(["/keys"]);
  });
});

describe("an issuer that is out of reach", () => {
  const failing = () => {
    issuer.answer = (_, response) => void response.writeHead(500).end();
  };

  test("tokens are verified with the keys that are known, for six hours", async () => {
    const provider = createProvider();
    const token = await lasting();
    const other = await issuer.sign({ sub: "bob", exp: Math.floor(started / 1000) + 86_400 });
    expect(await codeOf(provider, token)).toBe("token");
    failing();
    now = started + KEYS_KEPT_MS - 1000;
    expect([await codeOf(provider, token), await codeOf(provider, other)]).toEqual([
      "token",
      "token",
    ]);
    await Promise.all(background);
    now = started + KEYS_KEPT_MS;
    expect(await codeOf(provider, token)).toBe("authority_unavailable");
    issuer.answer = undefined;
    now += COOLDOWN_MS;
    expect(await codeOf(provider, token)).toBe("token");
    expect(outages).toEqual([expect.stringContaining("answered with 500"), undefined]);
  });

  test("without keys, tokens get 503 and a time to retry, and the issuer is asked once in 5 s", async () => {
    const provider = createProvider();
    failing();
    const token = await lasting();
    for (let i = 0; i < 10; i++)
      await expect(identify(provider, token)).rejects.toMatchObject({
        code: "authority_unavailable",
        details: { retryAfterSeconds: FIRST_COOLDOWN_MS / 1000 },
      });
    expect(issuer.requests.length).toBe(1);
    expect(outages.length).toBe(1);
    issuer.answer = undefined;
    now += FIRST_COOLDOWN_MS;
    expect(await codeOf(provider, token)).toBe("token");
  });

  test.each<[string, Issuer["answer"], RegExp]>([
    [
      "a redirect",
      (_, response) => void response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
      /answered with 302/,
    ],
    ["no JSON", (_, response) => void response.end("<html>"), /JSON/],
    ["a list", (_, response) => void response.end("[]"), /not an object/],
    [
      "the document of another issuer",
      (_, response) =>
        void response.end(
          '{"issuer":"https://other.example","jwks_uri":"https://other.example/k"}',
        ),
      /other\.example/,
    ],
    [
      "keys that are not read over https",
      (_, response) =>
        void response.end(JSON.stringify({ issuer: issuer.url, jwks_uri: "http://keys.example/" })),
      /no https URL/,
    ],
    [
      "a file as keys",
      (_, response) =>
        void response.end(JSON.stringify({ issuer: issuer.url, jwks_uri: "file:///etc/passwd" })),
      /no https URL/,
    ],
    [
      "more than any key set has",
      (_, response) => void response.end("x".repeat(300_000)),
      /262144 bytes/,
    ],
    ["a connection that breaks", (_, response) => void response.destroy(), /./],
  ])("%s is no answer", async (_, answer, problem) => {
    const provider = createProvider();
    issuer.answer = answer;
    expect(await codeOf(provider, await lasting())).toBe("authority_unavailable");
    expect(outages).toEqual([expect.stringMatching(problem)]);
  });

  test.each<[string, unknown]>([
    ["no keys", {}],
    ["keys that are no list", { keys: {} }],
    ["too many keys", { keys: Array(101).fill({ kty: "EC" }) }],
  ])("a key set with %s leaves the keys of before", async (_, keySet) => {
    const provider = createProvider();
    const token = await lasting();
    expect(await codeOf(provider, token)).toBe("token");
    issuer.answer = (request, response) =>
      void response.end(
        JSON.stringify(
          request.url === "/keys" ? keySet : { issuer: issuer.url, jwks_uri: `${issuer.url}/keys` },
        ),
      );
    now += KEYS_FRESH_MS;
    expect(await codeOf(provider, token)).toBe("token");
    await Promise.all(background);
    expect(outages.length).toBe(1);
    expect(await codeOf(provider, token)).toBe("token");
  });
});
