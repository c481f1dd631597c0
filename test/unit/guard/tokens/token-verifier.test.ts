import { readFileSync } from "node:fs";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { projectPath } from "../../../../scripts/project.ts";
import { parseConfig } from "../../../../src/config.ts";
import type { IdentityProvider } from "../../../../src/domain/access/identity-provider.ts";
import type { Principal } from "../../../../src/domain/access/principal.ts";
import type { ApiError } from "../../../../src/domain/errors.ts";
import { createIdentityProviders } from "../../../../src/guard/tokens/create-identity-providers.ts";

/** Tokens that PyJWT signed, and tokens of attackers, by recipes/token_fixtures.py. */

interface TokenFixture {
  readonly issuer: string;
  readonly audience: string;
  readonly jwks: object;
  readonly valid: Readonly<Record<string, string>>;
  readonly attacks: Readonly<Record<string, string>>;
}

const fixture: TokenFixture = JSON.parse(
  readFileSync(projectPath("test", "fixtures", "tokens", "pyjwt.json"), "utf8"),
);

const KEYS_URL = `${fixture.issuer}/keys`;

let fetched: string[] = [];
let now = Date.parse("2026-11-30T12:00:00Z");

beforeEach(() => {
  fetched = [];
  now = Date.parse("2026-11-30T12:00:00Z");
});

function createProvider(settings: Record<string, string> = {}): IdentityProvider {
  const { tokens } = parseConfig({
    JWT_ISSUER: fixture.issuer,
    JWT_AUDIENCE: `unused, ${fixture.audience}`,
    ...settings,
  });
  const [provider] = createIdentityProviders({
    tokens,
    access: undefined,
    fetch: async (url) => {
      fetched.push(url);
      const isKeys = url === KEYS_URL;
      return Response.json(isKeys ? fixture.jwks : { issuer: fixture.issuer, jwks_uri: KEYS_URL });
    },
    onChange: () => undefined,
    now: () => now,
  });
  if (!provider) throw new Error("no provider");
  return provider;
}

function identify(provider: IdentityProvider, token: string) {
  return provider.identify({
    authorization: `Bearer ${token}`,
    header: () => undefined,
    waitUntil: () => undefined,
  });
}

describe("tokens by PyJWT", () => {
  test.each(Object.entries(fixture.valid))("a valid token is accepted: %s", async (_, token) => {
    const principal = (await identify(createProvider(), token)) as Principal;
    expect(principal.kind).toBe("token");
    expect(principal.label).toMatch(/^token:[0-9a-f]{32}$/);
    expect(await principal.id()).toMatch(/^token:[0-9a-f]{32}$/);
    expect([...principal.scopes].sort()).toEqual(["models:read", "predict"]);
    expect(principal.models).toBeUndefined();
  });

  test("all tokens of a subject are of one principal", async () => {
    const provider = createProvider();
    const ids = new Set<string>();
    for (const token of Object.values(fixture.valid))
      ids.add(await ((await identify(provider, token)) as Principal).id());
    expect(ids.size).toBe(1);
  });
});

/** What has not the form of a JWT is left to whoever knows other credentials, and is no principal here. */
const NO_TOKENS = ["four parts", "a header in a list"];

/** The reason, by the beginning of the attack's name. */
const REASONS: readonly [RegExp, RegExp][] = [
  [/^(?:alg |no alg|two algs|HS)/, /^The token has the algorithm ".*"; accepted are RS256, /],
  [/^(?:signature|payload|header|RS384|ES256|signed by|embedded|jku|x5)/, /not the issuer's\.$/],
  [/^(?:kid|PS256|RS256)/, /a key that the issuer does not have\.$/],
  [/^(?:a logout|a DPoP|a typ)/, /has the type /],
  [/^(?:expired|no exp|exp )/, /"exp"/],
  [/^(?:nbf|not valid yet)/, /"nbf"/],
  [/audience/, /"aud"/],
  [/issuer/, /is of the issuer/],
  [/subject/, /"sub"/],
  [/huge/, /characters: at most 16384\.$/],
  [/^claims in/, /is no signed JWT\.$/],
  [/^bound/, /"cnf"/],
  [/^an RSA key|^a critical|^an unencoded/, /cannot be verified\.$/],
];

describe("tokens of attackers", () => {
  test.each(Object.entries(fixture.attacks))("a token is refused: %s", async (name, token) => {
    const provider = createProvider();
    const attempt = (async () => identify(provider, token))();
    if (NO_TOKENS.includes(name)) return expect(await attempt).toBeUndefined();
    const reason = REASONS.find(([names]) => names.test(name))?.[1];
    await expect(attempt).rejects.toMatchObject({
      code: "unauthorized",
      message: expect.stringMatching(reason ?? "no reason is expected"),
      details: { reason: "invalid_token" },
    });
    // Nothing of the token is read from anywhere.
    expect(fetched.filter((url) => !url.startsWith(`${fixture.issuer}/`))).toEqual([]);
  });

  test("together they make the server read the issuer's keys twice, and a valid token is accepted after them", async () => {
    const provider = createProvider();
    for (const token of Object.values(fixture.attacks))
      await Promise.resolve((async () => identify(provider, token))()).catch(() => undefined);
    now += 1000;
    for (const token of Object.values(fixture.attacks))
      await (async () => identify(provider, token))().catch(() => undefined);
    expect(fetched.length).toBeLessThanOrEqual(4);
    await expect(identify(provider, fixture.valid.RS256 ?? "")).resolves.toMatchObject({
      kind: "token",
    });
  });

  test("what is wrong for everybody to see is refused before anything is fetched", async () => {
    const names = [
      "alg 'none'",
      "expired",
      "another audience",
      "another issuer",
      "huge claims",
      "no exp",
    ];
    for (const name of names) {
      const token = fixture.attacks[name];
      if (token === undefined) throw new Error(`no attack ${name}`);
      await expect(identify(createProvider(), token)).rejects.toMatchObject({
        code: "unauthorized",
      });
    }
    expect(fetched).toEqual([]);
  });
});

test("a token in which one character is another one is refused", async () => {
  const provider = createProvider();
  const tokens = Object.values(fixture.valid);
  for (const token of tokens) await identify(provider, token);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const changed = fc.tuple(fc.constantFrom(...tokens), fc.nat(), fc.constantFrom(...alphabet));
  await fc.assert(
    fc.asyncProperty(changed, async ([token, at, character]) => {
      const index = at % token.length;
      const other = `${token.slice(0, index)}${character}${token.slice(index + 1)}`;
      // The last character has bits that no byte has: another one may be the same signature.
      const signatures = [token, other].map((each) =>
        Buffer.from(each.split(".")[2] ?? "", "base64url"),
      );
      const isSame =
        index > token.lastIndexOf(".") &&
        signatures[0]?.equals(signatures[1] ?? Buffer.alloc(0)) === true;
      const outcome = await (async () => identify(provider, other))().catch(
        (error: ApiError) => error.code,
      );
      if (other === token || isSame) expect(outcome).toMatchObject({ kind: "token" });
      else expect([undefined, "unauthorized"]).toContain(outcome);
    }),
    { numRuns: 300 },
  );
});
