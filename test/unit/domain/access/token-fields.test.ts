import { describe, expect, test } from "vitest";
import { parseConfig } from "../../../../src/config.ts";
import { valuesOfClaims } from "../../../../src/domain/access/claim-rules.ts";
import { isScope } from "../../../../src/domain/access/scope.ts";

const ISSUER = { JWT_ISSUER: "https://issuer.example/", JWT_AUDIENCE: "onnxflare" };
const ACCESS = { ACCESS_TEAM_DOMAIN: "acme", ACCESS_AUDIENCE: "4714c1358e65fe4b" };

test("without the settings no tokens are accepted", () => {
  const { tokens, access } = parseConfig({ JWT_ISSUER: "", ACCESS_TEAM_DOMAIN: "" });
  expect([tokens, access]).toEqual([undefined, undefined]);
});

test("the issuer is kept to the letter, and audiences are a list", () => {
  const { tokens } = parseConfig({ ...ISSUER, JWT_AUDIENCE: "a, b,," });
  expect(tokens).toMatchObject({ issuer: "https://issuer.example/", audiences: ["a", "b"] });
});

test.each([
  "acme",
  "acme.cloudflareaccess.com",
  "https://acme.cloudflareaccess.com",
  "https://acme.cloudflareaccess.com/",
])("the team %s has the issuer and the keys that Cloudflare documents", (team) => {
  expect(parseConfig({ ...ACCESS, ACCESS_TEAM_DOMAIN: team }).access).toMatchObject({
    issuer: "https://acme.cloudflareaccess.com",
    keysUrl: "https://acme.cloudflareaccess.com/cdn-cgi/access/certs",
    audiences: ["4714c1358e65fe4b"],
  });
});

test.each<[Record<string, string>, string]>([
  [{ JWT_ISSUER: "https://issuer.example" }, "JWT_ISSUER needs JWT_AUDIENCE"],
  [{ ...ISSUER, JWT_AUDIENCE: " , " }, "JWT_ISSUER needs JWT_AUDIENCE"],
  [{ ACCESS_TEAM_DOMAIN: "acme" }, "ACCESS_TEAM_DOMAIN needs ACCESS_AUDIENCE"],
  [{ ...ISSUER, JWT_ISSUER: "http://issuer.example" }, "is not an https URL"],
  [{ ...ISSUER, JWT_ISSUER: "issuer.example" }, "is not an https URL"],
  [{ ...ISSUER, JWT_ISSUER: "https://user:secret@issuer.example" }, "is not an https URL"],
  [{ ...ISSUER, JWT_JWKS_URL: "http://issuer.example/keys" }, "JWT_JWKS_URL"],
  [{ ...ISSUER, JWT_SCOPES: "groups=a -> everything" }, '"everything", which is not a scope'],
  [{ ...ISSUER, JWT_MODELS: "groups=a -> Fraud/*" }, "which is not a pattern"],
  [{ ...ACCESS, ACCESS_TEAM_DOMAIN: "http://acme.cloudflareaccess.com" }, "ACCESS_TEAM_DOMAIN"],
  [{ ...ACCESS, ACCESS_TEAM_DOMAIN: "acme.cloudflareaccess.com/path" }, "ACCESS_TEAM_DOMAIN"],
])("%j is refused", (settings, problem) => {
  expect(() => parseConfig(settings)).toThrow(problem);
});

test("an issuer on this machine may be without https", () => {
  const url = "http://localhost:8080/realms/acme";
  expect(parseConfig({ ...ISSUER, JWT_ISSUER: url }).tokens?.issuer).toBe(url);
});

describe("without JWT_SCOPES", () => {
  const rules = parseConfig(ISSUER).tokens?.scopes ?? [];
  test.each<[Record<string, unknown>, string[]]>([
    [{}, ["explain", "models:read", "predict"]],
    [{ scope: "openid profile" }, ["explain", "models:read", "predict"]],
    [{ scope: "predict" }, ["predict"]],
    [{ scope: "openid models:write metrics" }, ["metrics", "models:write"]],
    [{ scp: ["feedback", "explain"] }, ["explain", "feedback"]],
    // Access to the keys of others needs a rule.
    [{ scope: "admin keys" }, ["explain", "models:read", "predict"]],
    [{ scope: "admin keys predict" }, ["predict"]],
    [{ roles: ["admin"] }, ["explain", "models:read", "predict"]],
  ])("claims %j permit %j", (claims, expected) => {
    expect([...valuesOfClaims(rules, claims, isScope)].sort()).toEqual(expected);
  });
});

test("an empty list of rules permits nothing", () => {
  const { tokens } = parseConfig({ ...ISSUER, JWT_SCOPES: "", JWT_MODELS: "" });
  expect(tokens).toMatchObject({ scopes: [], models: [] });
});
