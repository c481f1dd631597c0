import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { parseConfig } from "../../../src/config.ts";
import { SCOPES, type Scope } from "../../../src/domain/access/scope.ts";
import type { KeyFields } from "../../../src/domain/access/stored-key.ts";
import { ERROR_KINDS, type ErrorCode } from "../../../src/domain/errors.ts";
import { type OperationRoute, scopeOf, toRoutes } from "../../../src/protocols/operation.ts";
import type { Protocol } from "../../../src/protocols/protocol.ts";
import { PROTOCOLS } from "../../../src/protocols/registry.ts";
import { createTestKeys, type TestKeys } from "../../support/keys.ts";
import { createTestApp, type TestApp } from "../../support/test-app.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/** Which clients may use which operations and models, by `app.request`; test/workerd/access.test.ts has time and the authority. */

let keys: TestKeys;
let app: TestApp;

beforeAll(() => {
  stubWorkersGlobals();
  keys = createTestKeys();
  app = createTestApp({
    config: parseConfig({ ADMIN_KEY: "the-admin-key" }),
    keyAuthority: keys.authority,
  });
});
afterAll(() => void vi.unstubAllGlobals());

interface Answer {
  readonly status: number;
  readonly challenge: string | null;
  readonly body: Record<string, unknown>;
}

async function send(
  method: string,
  path: string,
  key: string | undefined,
  body?: string | FormData,
): Promise<Answer> {
  const response = await app.request(path, {
    method,
    headers: {
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...(typeof body === "string" && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body }),
  });
  const text = await response.text();
  return {
    status: response.status,
    challenge: response.headers.get("www-authenticate"),
    body: text.startsWith("{") ? JSON.parse(text) : { text },
  };
}

async function keyWith(fields: Partial<KeyFields>): Promise<string> {
  return (await keys.create(fields)).key;
}

const ALL: readonly { readonly route: OperationRoute; readonly protocol: Protocol }[] =
  PROTOCOLS.flatMap((protocol) =>
    protocol.operations
      .flatMap((operation) => toRoutes(operation, protocol.basePath))
      .map((route) => ({ route, protocol })),
  );

const ROUTES = ALL.map(({ route: { operation, path }, protocol }) => ({
  name: `${operation.method.toUpperCase()} ${path}`,
  method: operation.method.toUpperCase(),
  path: path.replace(/\{(\w+)\}/g, (_, name: string) => (name === "version" ? "1" : "no-such")),
  scope: scopeOf(operation.access, { repositoryControl: "admin" }),
  protocol,
}));
const CLOSED = ROUTES.filter(({ scope }) => scope !== undefined);

/** The code in an error, wherever its protocol has it. */
function codeOf(body: Record<string, unknown>): unknown {
  const { code, error } = body;
  return code ?? (error as { code?: unknown } | undefined)?.code;
}

/** Of an error: the fields of its protocol's form. */
function fieldsOf({ renderError }: Protocol, code: ErrorCode): string[] {
  const rendered = renderError(
    { code, message: "m", details: {}, kind: ERROR_KINDS[code] } as never,
    "an-id",
  );
  return Object.keys(JSON.parse(rendered.body));
}

test("every operation but health, documentation and the server's metadata needs a scope", () => {
  const open = ALL.filter(({ route }) => route.operation.access === "public");
  expect(open.map(({ route }) => `${route.operation.method} ${route.path}`).sort()).toEqual(
    [
      "get /",
      "get /.well-known/erasure-receipts.json",
      "get /dashboard",
      "get /dashboard/{asset}",
      "get /docs",
      "get /openapi.json",
      "get /v2",
      "get /v2/health/live",
      "get /v2/health/ready",
      ...ALL.flatMap(({ route: { path, operation } }) =>
        /sharedmemory|trace\/setting|logging/.test(path) ? `${operation.method} ${path}` : [],
      ),
    ].sort(),
  );
});

describe.each(CLOSED)("$name", ({ method, path, scope = "admin", protocol }) => {
  test("without a key is 401 in the form of its protocol", async () => {
    const { status, challenge, body } = await send(method, path, undefined);
    expect([status, challenge, codeOf(body)]).toEqual([401, "Bearer", "unauthorized"]);
    const fields = fieldsOf(protocol, "unauthorized").filter((name) => name !== "details");
    expect(Object.keys(body)).toEqual(expect.arrayContaining(fields));
  });

  test("with a key without its scope is 403, which names the scope", async () => {
    const others = SCOPES.filter((each) => each !== scope && each !== "admin");
    const { status, challenge, body } = await send(method, path, await keyWith({ scopes: others }));
    expect([status, challenge, codeOf(body)]).toEqual([
      403,
      `Bearer error="insufficient_scope", scope="${scope}"`,
      "forbidden",
    ]);
    expect(JSON.stringify(body)).toContain(`does not have the scope \\"${scope}\\"`);
  });
});

const namingModel = CLOSED.filter(
  ({ path, name }) => path.includes("no-such") && name.includes("{model}"),
);

test.each(namingModel)(
  "$name is refused for a model that the key is not for",
  async ({ method, path, scope = "admin" }) => {
    const key = await keyWith({ scopes: [scope], models: ["iris-*"] });
    const { status, body } = await send(method, path, key);
    expect([status, codeOf(body)]).toEqual([403, "forbidden"]);
    expect(JSON.stringify(body)).toContain('may not use the model \\"no-such\\"');
  },
);

describe("a model in a body", () => {
  const json = (value: object) => JSON.stringify(value);
  const messages = [{ role: "user", content: "hi" }];
  function transcription(model: string): FormData {
    const form = new FormData();
    form.set("model", model);
    form.set("file", new File([new Uint8Array(8)], "a.wav"));
    return form;
  }
  const requests: readonly [string, (model: string) => string | FormData, Scope][] = [
    ["/v1/embeddings", (model) => json({ model, input: "a" }), "predict"],
    ["/v1/completions", (model) => json({ model, prompt: "a" }), "predict"],
    ["/v1/chat/completions", (model) => json({ model, messages }), "predict"],
    ["/v1/audio/transcriptions", transcription, "predict"],
    ["/admin/cache/purge", (model) => json({ model }), "models:write"],
  ];

  test.each(requests)(
    "of %s is refused alike whether it exists or not, and with a version or an alias",
    async (path, bodyOf, scope) => {
      const key = await keyWith({ scopes: [scope], models: ["iris-*"] });
      const references = path.startsWith("/admin")
        ? ["pocket-gpt", "no-such"]
        : ["pocket-gpt", "no-such", "pocket-gpt@1", "no-such@production"];
      for (const reference of references) {
        const { status, body } = await send("POST", path, key, bodyOf(reference));
        expect([reference, status, codeOf(body)]).toEqual([reference, 403, "forbidden"]);
        const [name] = reference.split("@");
        expect(JSON.stringify(body)).toContain(`The key may not use the model \\"${name}\\".`);
      }
    },
  );

  test("of all models is refused to a key of single ones", async () => {
    const key = await keyWith({ scopes: ["admin"], models: ["iris-*"] });
    const { id: other } = await keys.create({ scopes: ["admin"] });
    for (const [method, path, body] of [
      ["POST", "/admin/erasures", JSON.stringify({ key: other })],
      ["POST", "/admin/data-exports", '{"subject":"somebody"}'],
      ["GET", "/admin/audit", undefined],
      ["GET", "/admin/audit/head", undefined],
      ["POST", "/admin/cache/purge", '{"all":true}'],
      ["POST", "/admin/cache/purge", '{"client":"0123456789abcdef"}'],
      ["POST", "/admin/encryption", "{}"],
      ["POST", "/admin/gc", "{}"],
      ["GET", "/admin/gc", undefined],
      ["GET", "/admin/cache", undefined],
      ["GET", "/admin/runtime", undefined],
    ] as const) {
      const answer = await send(method, path, key, body);
      expect([path, answer.status, answer.body.code]).toEqual([path, 403, "forbidden"]);
    }
  });
});

describe("lists", () => {
  test("have the models of the key, and no others", async () => {
    const all = await keyWith({ scopes: ["models:read"] });
    const some = await keyWith({ scopes: ["models:read"], models: ["iris-*", "pocket-gpt"] });
    const none = await keyWith({ scopes: ["models:read"], models: ["no-such"] });
    const namesOf = async (method: string, path: string, key: string) => {
      const { status, body } = await send(method, path, key);
      expect(status).toBe(200);
      return new Set(JSON.stringify(body).match(/"(?:[a-z0-9]+-)+[a-z0-9]+"/g));
    };
    for (const [method, path] of [
      ["GET", "/v2/models"],
      ["GET", "/v1/models"],
      ["GET", "/admin/models"],
    ] as const) {
      const every = await namesOf(method, path, all);
      expect(every.size).toBeGreaterThan(10);
      const names = await namesOf(method, path, some);
      expect(names).toEqual(new Set(['"iris-kmeans"', '"iris-logistic"', '"pocket-gpt"']));
      expect(await namesOf(method, path, none)).toEqual(new Set());
    }
  });

  test("of a server where anybody may predict are whole for clients without a key, but no others", async () => {
    const open = createTestApp({
      config: parseConfig({ PUBLIC_PREDICT: "true" }),
      keyAuthority: keys.authority,
    });
    const key = await keyWith({ scopes: ["models:read"], models: ["iris-logistic"] });
    const list = async (headers: Record<string, string>) =>
      (await (await open.request("/v2/models", { headers })).json()) as { models: string[] };
    expect((await list({})).models.length).toBeGreaterThan(10);
    expect((await list({ authorization: "Bearer any-text" })).models.length).toBeGreaterThan(10);
    expect((await list({ authorization: `Bearer ${key}` })).models).toEqual(["iris-logistic"]);
    const admin = await open.request("/admin/models");
    expect(admin.status).toBe(401);
  });
});

test("unknown paths and methods of the admin API are told to clients with a key alone", async () => {
  const key = await keyWith({ scopes: ["predict"] });
  for (const [method, path, status] of [
    ["GET", "/admin/no-such-path", 404],
    ["PATCH", "/admin/models", 405],
  ] as const) {
    expect((await send(method, path, undefined)).status).toBe(401);
    expect((await send(method, path, "wrong")).status).toBe(401);
    expect((await send(method, path, key)).status).toBe(status);
  }
});

test("with REPOSITORY_CONTROL open, the scope predict loads and unloads models", async () => {
  const modelReadiness = { load: async () => ({ state: "ready" }), check: vi.fn() } as never;
  const open = createTestApp({
    config: parseConfig({ REPOSITORY_CONTROL: "open" }),
    keyAuthority: keys.authority,
    modelReadiness,
  });
  const load = async (authorization?: string) =>
    (
      await open.request("/v2/repository/models/iris-logistic/load", {
        method: "POST",
        headers: authorization === undefined ? {} : { authorization },
      })
    ).status;
  expect(await load()).toBe(401);
  expect(await load(`Bearer ${await keyWith({ scopes: ["models:read"] })}`)).toBe(403);
  expect(await load(`Bearer ${await keyWith({ scopes: ["predict"] })}`)).toBe(200);
  expect(await load(`Bearer ${await keyWith({ scopes: ["admin"] })}`)).toBe(200);
});

test("the event names the principal, and a refused client by nothing", async () => {
  const { id, key } = await keys.create({ scopes: ["models:read"] });
  app.events.length = 0;
  await send("GET", "/v2/models", key);
  await send("GET", "/v2/models", undefined);
  await send("GET", "/v2/health/live", key);
  await send("POST", "/models/iris-logistic", key, "{}");
  expect(app.events.map(({ principal, errorCode }) => [principal, errorCode])).toEqual([
    [`key:${id}`, undefined],
    [undefined, "unauthorized"],
    [undefined, undefined],
    [`key:${id}`, "forbidden"],
  ]);
  expect(JSON.stringify(app.events)).not.toContain(key);
});

test("a key whose authority is out of reach is 503 in the form of its protocol, with a time to retry", async () => {
  const { key } = await keys.create();
  const cutOff = createTestApp({
    config: parseConfig({}),
    keyAuthority: { ...keys.authority, find: () => Promise.reject(new Error("out of reach")) },
  });
  for (const path of ["/v2/models/a/infer", "/v1/completions", "/models/a"]) {
    const response = await cutOff.request(path, {
      method: "POST",
      headers: { authorization: `Bearer ${key}` },
    });
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(codeOf((await response.json()) as Record<string, unknown>)).toBe(
      "authority_unavailable",
    );
  }
});
