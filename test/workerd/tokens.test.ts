import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  ADMIN_KEY,
  type AdministeredService,
  startAdministeredService,
} from "../support/administration.ts";
import { AUDIENCE, type Issuer, startIssuer } from "../support/issuer.ts";
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
    expect(event.principal).toMatch(/^token:[0-9a-f]{16}$/);
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
    expect(event.principal).toMatch(/^access:[0-9a-f]{16}$/);
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
