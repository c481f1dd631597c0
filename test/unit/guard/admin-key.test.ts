import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Principal } from "../../../src/domain/access/principal.ts";
import type { Scope } from "../../../src/domain/access/scope.ts";
import { createAuthenticator } from "../../../src/guard/authenticator.ts";
import { authenticate } from "../../../src/http/authenticate.ts";
import { createHttpApp, errorOf, type HttpApp } from "../../support/http-app.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/** Identification by the secret ADMIN_KEY, and of clients that nobody knows. */

const KEY = "a key: with spaces, and Größe";
const PLAIN_KEY = "s3cret";

beforeAll(stubWorkersGlobals);
afterAll(() => void vi.unstubAllGlobals());

interface App extends HttpApp {
  readonly principals: readonly Principal[];
}

function createApp(
  adminKey: string | undefined,
  { publicPredict = false, scope = "keys" }: { publicPredict?: boolean; scope?: Scope } = {},
): App {
  const app = createHttpApp();
  const principals: Principal[] = [];
  const authenticator = createAuthenticator({
    adminKey,
    publicPredict,
    authority: undefined,
    keyGraceSeconds: 600,
    sink: { emit: () => undefined },
  });
  app.routes.get("/admin", async (c) => {
    await authenticate(c, authenticator, { scope, allowsAnonymous: true });
    const principal = c.get("principal");
    if (principal) principals.push(principal);
    return c.text("welcome");
  });
  return Object.assign(app, { principals });
}

function send(adminKey: string | undefined, authorization?: string): Promise<Response> {
  const headers = authorization === undefined ? {} : { authorization };
  return createApp(adminKey).request("/admin", { headers });
}

test.each([
  `Bearer ${PLAIN_KEY}`,
  `bearer ${PLAIN_KEY}`,
  `BEARER ${PLAIN_KEY}`,
  `Bearer   ${PLAIN_KEY}`,
])("%s passes", async (authorization) => {
  const response = await send(PLAIN_KEY, authorization);
  expect([response.status, await response.text()]).toEqual([200, "welcome"]);
});

describe("is refused:", () => {
  test.each([
    ["nothing", undefined, "Bearer"],
    ["an empty header", "", "Bearer"],
    ["no scheme", PLAIN_KEY, "Bearer"],
    ["another scheme", `Basic ${PLAIN_KEY}`, "Bearer"],
    ["no key", "Bearer", "Bearer"],
    // A header's value has no space at its end.
    ["an empty key", "Bearer ", "Bearer"],
    ["another key", "Bearer guess"],
    ["the beginning of the key", "Bearer s3cre"],
    ["more than the key", "Bearer s3crets"],
    ["the key in capitals", "Bearer S3CRET"],
    ["words after the key", `Bearer ${PLAIN_KEY} and more`],
    ["a comma after the key", `Bearer ${PLAIN_KEY}, Basic x`],
    ["the key twice", `Bearer ${PLAIN_KEY} ${PLAIN_KEY}`],
  ])("%s", async (_, authorization, challenge = 'Bearer error="invalid_token"') => {
    const response = await send(PLAIN_KEY, authorization);
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe(challenge);
    const error = await errorOf(response);
    expect(error).toMatchObject({ code: "unauthorized" });
    expect(error.message).toContain(
      challenge === "Bearer"
        ? 'requires the header Authorization: Bearer <key>, with a key that has the scope "keys".'
        : "The key is not valid.",
    );
    expect(JSON.stringify(error)).not.toContain(PLAIN_KEY);
  });
});

test.each([undefined, ""])("without a key configured (%j) nobody passes", async (adminKey) => {
  for (const authorization of [undefined, "Bearer ", "Bearer undefined", `Bearer ${PLAIN_KEY}`]) {
    const response = await send(adminKey, authorization);
    expect(response.status).toBe(401);
    expect((await errorOf(response)).message).toContain("ADMIN_KEY is not set");
  }
});

test("a key with spaces passes whole, and nobody passes by its first word", async () => {
  expect((await send(KEY, `Bearer ${KEY}`)).status).toBe(200);
  for (const part of ["a", "a key:", `${KEY} `.slice(0, -3)])
    expect((await send(KEY, `Bearer ${part}`)).status).toBe(401);
});

test("the handler does not run for a refused request, and the event has the error code", async () => {
  const app = createApp(PLAIN_KEY);
  await app.request("/admin");
  expect(app.principals).toEqual([]);
  expect(app.events).toMatchObject([{ status: 401, errorCode: "unauthorized" }]);
});

test("the event names the admin key by the beginning of its SHA-256, and never more", async () => {
  const app = createApp(PLAIN_KEY);
  const headers = { authorization: `Bearer ${PLAIN_KEY}` };
  for (let i = 0; i < 2; i++) await app.request("/admin", { headers });
  // printf s3cret | sha256sum
  expect(app.events.map(({ principal }) => principal)).toEqual(["key:1ec1c26b", "key:1ec1c26b"]);
  expect(await app.principals[0]?.id()).toBe("1ec1c26b50d5d3c5");
});

describe("where anybody may predict", () => {
  const open = { publicPredict: true, scope: "predict" } as const;

  async function idOf(authorization: string | undefined): Promise<string | undefined> {
    const app = createApp(PLAIN_KEY, open);
    await app.request("/admin", {
      headers: authorization === undefined ? {} : { authorization },
    });
    const [principal] = app.principals;
    expect([principal?.kind, principal?.label]).toEqual(["anonymous", "anonymous"]);
    return principal?.id();
  }

  test("a client without a key is anonymous", async () => {
    expect(await idOf(undefined)).toBe("anonymous");
  });

  test.each([
    // printf alice | sha256sum
    ["Bearer alice", "2bd806c97f0e00af"],
    ["bearer alice", "2bd806c97f0e00af"],
    ["Bearer  alice", "2bd806c97f0e00af"],
    // printf bob | sha256sum
    ["Bearer bob", "81b637d8fcd2c6da"],
  ])(
    "the client of %s is told apart by the beginning of the SHA-256",
    async (authorization, id) => {
      expect(await idOf(authorization)).toBe(id);
    },
  );

  test("a key of another scheme is one of its own", async () => {
    expect(await idOf("Basic alice")).not.toBe(await idOf("Bearer alice"));
  });

  test("other scopes need a key", async () => {
    const app = createApp(PLAIN_KEY, { publicPredict: true, scope: "models:write" });
    for (const headers of [{}, { authorization: "Bearer alice" }])
      expect((await app.request("/admin", { headers })).status).toBe(401);
  });
});
