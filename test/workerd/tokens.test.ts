import { readFileSync } from "node:fs";
import type { JWK } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectPath } from "../../scripts/project.ts";
import {
  ADMIN_KEY,
  type AdministeredService,
  startAdministeredService,
} from "../support/administration.ts";
import { AUDIENCE, type Issuer, startIssuer } from "../support/issuer.ts";
import { poll } from "../support/poll.ts";
import type { TestResponse } from "../support/service.ts";

/** Clients with tokens of an issuer, and of Cloudflare Access, at the built Worker; both are served on this machine, and jose signs. */

const PATH = "/models/iris-logistic";
const BODY = { inputs: [5.1, 3.5, 1.4, 0.2] };

let issuer: Issuer;
let team: Issuer;
let service: AdministeredService;

beforeAll(async () => {
  [issuer, team] = await Promise.all([startIssuer(), startIssuer("/cdn-cgi/access/certs")]);
  service = await startAdministeredService({
    models: ["iris-logistic", "iris-kmeans"],
    vars: {
      PUBLIC_PREDICT: "false",
      JWT_ISSUER: issuer.url,
      JWT_AUDIENCE: AUDIENCE,
      JWT_MODELS: "models=* -> {*}; otherwise -> *",
      ACCESS_TEAM_DOMAIN: team.url,
      ACCESS_AUDIENCE: AUDIENCE,
      ACCESS_SCOPES: "* -> predict models:read; email=ops@acme.example -> admin",
    },
  });
});

afterAll(() => Promise.all([service?.dispose(), issuer?.close(), team?.close()]));

function predict(headers: Record<string, string>, path = PATH): Promise<TestResponse> {
  return service.post(path, BODY, headers);
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const assertion = (token: string) => ({ "cf-access-jwt-assertion": token });

describe("a token of the issuer", () => {
  test("permits what its scopes say, and no more", async () => {
    const headers = bearer(await issuer.sign({ scope: "predict" }));
    const { status } = await predict(headers);
    expect(status).toBe(200);
    const listed = await service.request("/v2/models", { headers });
    expect(listed.status).toBe(403);
    const purge = { method: "POST", headers, body: '{"all":true}' };
    expect((await service.request("/admin/cache/purge", purge)).status).toBe(403);
  });

  test("is for the models that it names alone", async () => {
    const headers = bearer(await issuer.sign({ models: ["iris-k*"] }));
    expect((await predict(headers)).status).toBe(403);
    expect((await predict(headers, "/models/iris-kmeans")).status).toBe(200);
    expect((await predict(headers, "/models/nothing")).status).toBe(403);
  });

  test("names its subject in events by a digest", async () => {
    const response = await predict({ ...bearer(await issuer.sign({ sub: "alice@acme.example" })) });
    const event = await service.event(response.headers.get("x-request-id") ?? "");
    expect(event.principal).toMatch(/^token:[0-9a-f]{32}$/);
    expect(service.logs.some(({ message }) => message.includes("alice@acme.example"))).toBe(false);
  });

  test("of another audience, or an attacker's, gets 401 with the reason", async () => {
    const { status, headers, body } = await predict(bearer(await issuer.sign({ aud: "another" })));
    expect([status, headers.get("www-authenticate")]).toEqual([
      401,
      expect.stringContaining('error="invalid_token"'),
    ]);
    expect(body).toMatchObject({ code: "unauthorized", detail: expect.stringContaining('"aud"') });
    const stolen = bearer(await team.sign({ iss: issuer.url }));
    expect((await predict(stolen)).status).toBe(401);
  });

  test("is accepted with the next key of the issuer after the cooldown, and keys are read once until then", async () => {
    const before = issuer.requests.length;
    for (let i = 0; i < 5; i++)
      expect((await predict(bearer(await issuer.sign({}, { kid: `guess ${i}` })))).status).toBe(
        401,
      );
    expect(issuer.requests.length - before).toBeLessThanOrEqual(2);
  });

  test("works where OpenAI's clients send keys", async () => {
    const headers = bearer(await issuer.sign({ scope: "models:read" }));
    expect((await service.request("/v1/models", { headers })).status).toBe(200);
  });
});

describe("a token of Cloudflare Access", () => {
  test("permits what the rules say, in its header alone", async () => {
    const token = await team.sign({ type: "app", email: "alice@acme.example" });
    expect((await predict(assertion(token))).status).toBe(200);
    expect((await predict(bearer(token))).status).toBe(401);
    expect((await predict({ cookie: `CF_Authorization=${token}` })).status).toBe(401);
    const headers = assertion(token);
    expect((await service.request("/admin/cache", { headers })).status).toBe(403);
  });

  test("of a service token has no sub", async () => {
    const token = await team.sign({ type: "app", sub: "", common_name: "robot.access" });
    const response = await predict(assertion(token));
    expect(response.status).toBe(200);
    const event = await service.event(response.headers.get("x-request-id") ?? "");
    expect(event.principal).toMatch(/^access:[0-9a-f]{32}$/);
  });

  test("of an operator may administer, but no page of another site by it", async () => {
    const token = await team.sign({ type: "app", email: "ops@acme.example" });
    const read = (headers: Record<string, string>) =>
      service.request("/admin/cache", { headers: { ...assertion(token), ...headers } });
    expect((await read({})).status).toBe(200);
    expect((await read({ "sec-fetch-site": "same-origin" })).status).toBe(200);
    expect((await read({ "sec-fetch-site": "cross-site" })).status).toBe(403);
    expect((await read({ origin: "https://evil.example" })).status).toBe(403);
    const evil = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
    expect((await predict({ ...assertion(token), ...evil })).status).toBe(403);
  });

  test.each([
    ["of the team's own pages", { type: "org" }],
    ["of another application", { aud: "another" }],
    ["that has expired", { exp: 1_700_000_000 }],
  ])("%s is refused", async (_, claims) => {
    expect((await predict(assertion(await team.sign({ type: "app", ...claims })))).status).toBe(
      401,
    );
  });

  test("does not stand in the way of a key", async () => {
    const headers = { ...assertion(await team.sign({ type: "app" })), ...bearer(ADMIN_KEY) };
    expect((await service.request("/admin/cache", { headers })).status).toBe(200);
  });
});

describe("a session of a browser", () => {
  interface CreatedKey {
    readonly id: string;
    readonly key: string;
  }

  async function createKey(scopes: readonly string[]): Promise<CreatedKey> {
    const body = JSON.stringify({ name: "dashboard", scopes });
    const { status, body: created } = await service.administer("/keys", { method: "POST", body });
    expect(status).toBe(201);
    return created as CreatedKey;
  }

  const SAME = { "sec-fetch-site": "same-origin" };

  async function open(key: string): Promise<{ cookie: string; response: TestResponse }> {
    const headers = { ...bearer(key), ...SAME };
    const response = await service.request("/admin/session", { method: "POST", headers });
    const cookie = response.headers.get("set-cookie")?.split(";")[0] ?? "";
    return { cookie, response };
  }

  const read = async (
    cookie: string,
    path = "/admin/cache",
    headers: Record<string, string> = SAME,
  ) => (await service.request(path, { headers: { cookie, ...headers } })).status;

  test("may do on admin routes what its key may do, and nothing elsewhere", async () => {
    const { key, id } = await createKey(["metrics", "predict"]);
    const { cookie, response } = await open(key);
    expect(response).toMatchObject({
      status: 200,
      body: {
        principal: `key:${id}`,
        scopes: ["metrics", "predict"],
        expiresAt: expect.any(String),
      },
    });
    expect(response.headers.get("set-cookie")).toMatch(
      /^__Host-onnxflare=[\w.-]+; Max-Age=3600; Path=\/; Secure; HttpOnly; SameSite=Strict$/,
    );
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await read(cookie)).toBe(200);
    expect(await read(cookie, "/admin/models")).toBe(403);
    expect((await predict({ cookie, ...SAME })).status).toBe(401);
  });

  test("of the admin key may do everything there", async () => {
    const { cookie } = await open(ADMIN_KEY);
    expect(await read(cookie, "/admin/models")).toBe(200);
    const body = JSON.stringify({ all: true });
    const headers = { cookie, ...SAME };
    const purged = await service.request("/admin/cache/purge", { method: "POST", headers, body });
    expect(purged.status).toBe(200);
  });

  test("is of no use to pages of other sites", async () => {
    const { cookie } = await open(ADMIN_KEY);
    const sites = [
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site", origin: "https://other.acme.example" },
      { origin: "https://evil.example" },
      { origin: "null" },
    ];
    for (const site of sites)
      for (const [method, path] of [
        ["POST", "/admin/cache/purge"],
        ["DELETE", "/admin/models/iris-kmeans/versions/1"],
        ["POST", "/admin/session"],
        ["GET", "/admin/models"],
      ] as const) {
        const init = { method, headers: { cookie, ...site } };
        const { status, headers } = await service.request(path, init);
        expect([status, headers.get("access-control-allow-origin")]).toEqual([403, null]);
      }
    expect((await predict(bearer(await issuer.sign()), "/models/iris-kmeans")).status).toBe(200);
  });

  test("ends within five seconds of the revocation of its key", async () => {
    const { key, id } = await createKey(["metrics"]);
    const { cookie } = await open(key);
    expect(await read(cookie)).toBe(200);
    const revokedAt = Date.now();
    expect((await service.administer(`/keys/${id}`, { method: "DELETE" })).status).toBe(200);
    await poll("the end of the session", async () => (await read(cookie)) === 401 || undefined);
    expect(Date.now() - revokedAt).toBeLessThan(6000);
  });

  test("ends with the rotation of its key", async () => {
    const { key, id } = await createKey(["metrics"]);
    const { cookie } = await open(key);
    const body = JSON.stringify({ overlapSeconds: 0 });
    const rotated = await service.administer(`/keys/${id}/rotate`, { method: "POST", body });
    expect(rotated.status).toBe(200);
    await poll("the end of the session", async () => (await read(cookie)) === 401 || undefined);
    const { key: next } = rotated.body as CreatedKey;
    expect(await read((await open(next)).cookie)).toBe(200);
  });

  test("is opened by a key alone, not by a session, a token or nobody", async () => {
    const { cookie } = await open(ADMIN_KEY);
    const token = await issuer.sign({ scope: "metrics" });
    const admin = await team.sign({ type: "app", email: "ops@acme.example" });
    const begin = async (headers: Record<string, string>) =>
      (await service.request("/admin/session", { method: "POST", headers })).status;
    expect(await begin({ cookie, ...SAME })).toBe(403);
    expect(await begin(bearer(token))).toBe(403);
    expect(await begin(assertion(admin))).toBe(403);
    expect(await begin({})).toBe(401);
    expect(await begin(bearer("a guess"))).toBe(401);
  });

  test("ends for the browser that asks for it, and is in the audit log", async () => {
    const { cookie, response } = await open(ADMIN_KEY);
    const init = { method: "DELETE", headers: { cookie, ...SAME } };
    const ended = await service.request("/admin/session", init);
    expect([ended.status, ended.headers.get("set-cookie")]).toEqual([
      200,
      "__Host-onnxflare=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict",
    ]);
    const { body } = await service.administer("/audit?limit=1000");
    const entries = JSON.stringify(body);
    expect(entries).toContain('"openSession"');
    expect(entries).toContain('"closeSession"');
    expect(entries).toContain(response.headers.get("x-request-id") ?? "no id");
    expect(entries).not.toContain(cookie.slice(20));
  });

  test("that was forged is none, and never makes the server ask for a key", async () => {
    const { cookie } = await open(ADMIN_KEY);
    for (const forged of [
      cookie.replace("admin", "AbCdEf012345"),
      `${cookie.slice(0, -2)}AA`,
      `${cookie}; ${cookie}`,
      cookie.replace("__Host-", ""),
      `__Host-onnxflare=${ADMIN_KEY}`,
    ])
      expect(await read(forged)).toBe(401);
  });

  test("and tokens are in no line that the server logs", async () => {
    const { cookie } = await open(ADMIN_KEY);
    await read(cookie);
    const token = await issuer.sign();
    await predict(bearer(token));
    await predict(bearer(`${token}x`));
    const event = await predict(assertion(await team.sign({ aud: "another" })));
    await service.event(event.headers.get("x-request-id") ?? "");
    const logs = service.logs.map(({ message }) => message).join("\n");
    for (const secret of [cookie.split("=")[1] ?? "", token, token.split(".")[2] ?? ""])
      expect(logs).not.toContain(secret);
  });
});

describe("tokens by PyJWT, and those of attackers, on a server whose predictions are public", () => {
  interface TokenFixture {
    readonly issuer: string;
    readonly audience: string;
    readonly jwks: { readonly keys: JWK[] };
    readonly valid: Readonly<Record<string, string>>;
    readonly attacks: Readonly<Record<string, string>>;
  }

  const fixture: TokenFixture = JSON.parse(
    readFileSync(projectPath("test", "fixtures", "tokens", "pyjwt.json"), "utf8"),
  );
  let keys: Issuer;
  let open: AdministeredService;

  beforeAll(async () => {
    keys = await startIssuer();
    keys.keys = fixture.jwks.keys;
    open = await startAdministeredService({
      vars: {
        JWT_ISSUER: fixture.issuer,
        JWT_AUDIENCE: fixture.audience,
        JWT_JWKS_URL: `${keys.url}/keys`,
      },
    });
  });

  afterAll(() => Promise.all([open?.dispose(), keys?.close()]));

  const statusOf = async (token: string): Promise<number> =>
    (await open.request("/v1/models", { headers: bearer(token) })).status;

  test("all valid ones are accepted, twice", async () => {
    for (const [name, token] of Object.entries(fixture.valid))
      expect([name, await statusOf(token), await statusOf(token)]).toEqual([name, 200, 200]);
  });

  test("all others get 401, and the issuer is asked twice at most", async () => {
    for (const [name, token] of Object.entries(fixture.attacks)) {
      // What is no JWT at all is a text like any other, by which nobody is identified on such a server.
      const isToken = /^eyJ[^.]*\.[^.]*\.[^.]*$/.test(token);
      expect([name, await statusOf(token)]).toEqual([name, isToken ? 401 : 200]);
    }
    expect(keys.requests.length).toBeLessThanOrEqual(2);
  });
});
