import { beforeEach, describe, expect, it } from "vitest";
import type * as z from "zod";
import { parseConfig } from "../../../src/config.ts";
import { API_KEY_PREFIX, keyIdIn } from "../../../src/domain/access/api-key.ts";
import {
  createdKeySchema,
  keyPageSchema,
  keySchema,
} from "../../../src/protocols/admin/key-response.ts";
import { createLocalAuthority } from "../../support/local-authority.ts";
import { createTestStorage, type TestStorage } from "../../support/sql.ts";
import { createTestApp, type TestApp } from "../../support/test-app.ts";

const ADMIN_KEY = "the-admin-key-of-these-tests";
const START = "2026-11-30T12:00:00.000Z";

type CreatedKey = z.output<typeof createdKeySchema>;

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

let storage: TestStorage;
let app: TestApp;

beforeEach(() => {
  // The authenticator uses the real clock, which has passed this one.
  storage = createTestStorage(Date.parse(START));
  app = createTestApp({
    config: parseConfig({ ADMIN_KEY }),
    keyAuthority: createLocalAuthority(storage),
  });
});

async function send(
  method: string,
  path: string,
  body?: unknown,
  key: string | undefined = ADMIN_KEY,
): Promise<Answer> {
  const response = await app.request(path, {
    method,
    headers: { authorization: `Bearer ${key}` },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const { status, headers } = response;
  const text = await response.text();
  return { status, headers, text, body: JSON.parse(text) };
}

async function create(fields: object = {}, key?: string): Promise<CreatedKey> {
  const given = { name: "a key", scopes: ["predict"], ...fields };
  const { status, text } = await send("POST", "/admin/keys", given, key);
  expect(status, text).toBe(201);
  return createdKeySchema.parse(JSON.parse(text));
}

describe("POST /admin/keys", () => {
  it("answers with the key, which nobody may store, and where it is", async () => {
    const { status, headers, text, body } = await send("POST", "/admin/keys", {
      name: "search",
      scopes: ["predict", "models:read"],
      models: ["iris-*"],
      quota: { requestsPerDay: 100 },
      owner: null,
    });
    expect(status).toBe(201);
    expect(headers.get("cache-control")).toBe("no-store");
    const { id, key, ...created } = createdKeySchema.parse(JSON.parse(text));
    expect(Object.keys(body).slice(0, 2)).toEqual(["id", "key"]);
    expect(keyIdIn(key)).toBe(id);
    expect(key.startsWith(created.prefix)).toBe(true);
    expect(headers.get("location")).toBe(`/admin/keys/${id}`);
    expect(created).toEqual({
      prefix: `${API_KEY_PREFIX}${id}`,
      name: "search",
      scopes: ["predict", "models:read"],
      models: ["iris-*"],
      quota: { requestsPerDay: 100 },
      state: "active",
      createdAt: START,
      createdBy: expect.stringMatching(/^key:[0-9a-f]{8}$/),
      updatedAt: START,
    });
  });

  it("stores nothing of the secret but a digest", async () => {
    const { id, key } = await create();
    const tables = [...storage.sql.exec("SELECT name FROM sqlite_schema WHERE type = 'table'")];
    const rows = tables.flatMap(({ name }) => [...storage.sql.exec(`SELECT * FROM ${name}`)]);
    const text = JSON.stringify(rows);
    expect(text).toContain(id);
    expect(text).not.toContain(key.slice(-38));
    expect(text).not.toContain(key.slice(20, 52));
  });

  it.each<[string, unknown, RegExp]>([
    ["no body", "", /body is empty/],
    ["no JSON", "{", /not JSON/],
    ["no name", { scopes: ["predict"] }, /^name is not valid/],
    ["no scopes", { name: "a" }, /^scopes is not valid/],
    [
      "a scope that there is not",
      { name: "a", scopes: ["read"] },
      /scopes\[0\].*"predict".*"admin".*got "read"/,
    ],
    [
      "a model's pattern in capitals",
      { name: "a", scopes: ["admin"], models: ["Iris"] },
      /models\[0\].*a-z 0-9.*"Iris"/,
    ],
    [
      "a day as expiry",
      { name: "a", scopes: ["admin"], expiresAt: "2027-01-31" },
      /expiresAt.*2027-01-31T00:00:00Z.*got "2027-01-31"/,
    ],
    [
      "an expiry that has passed",
      { name: "a", scopes: ["admin"], expiresAt: "2020-01-31T00:00:00Z" },
      /must be in the future.*it is 2026-11-30T12:00:00/,
    ],
    [
      "a quota of nothing",
      { name: "a", scopes: ["admin"], quota: { requestsPerDay: 0 } },
      /quota.requestsPerDay.*got 0/,
    ],
    [
      "a rate that there is not",
      { name: "a", scopes: ["admin"], rate: { requestsPerSecond: 1 } },
      /"requestsPerSecond"/,
    ],
    ["an unknown field", { name: "a", scopes: ["admin"], scope: "admin" }, /"scope"/],
    ["an id", { name: "a", scopes: ["admin"], id: "000000000000" }, /"id"/],
  ])("refuses %s, and says what is valid", async (_, body, message) => {
    const answer = await send("POST", "/admin/keys", body);
    expect(answer.status).toBe(400);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.body.detail).toMatch(message);
    expect((await send("GET", "/admin/keys")).body).toEqual({ keys: [] });
  });
});

describe("an API key of the operations on keys", () => {
  it("gives what it has, and is told what it has not", async () => {
    const { key } = await create({ scopes: ["keys", "predict"], models: ["team-*"] });
    await create({ models: ["team-a"] }, key);
    const scopes = { name: "a", scopes: ["admin"], models: ["team-a"] };
    const refused = await send("POST", "/admin/keys", scopes, key);
    expect(refused.status).toBe(403);
    expect(refused.body).toMatchObject({ code: "forbidden" });
    expect(refused.body.detail).toContain('the scope "admin"');
    const models = await send("POST", "/admin/keys", { name: "a", scopes: ["predict"] }, key);
    expect(models.body.detail).toContain("all models");
  });

  it("sees no key that has more, and cannot get one of its secrets", async () => {
    const powerful = await create({ scopes: ["admin"] });
    const { id, key } = await create({ scopes: ["keys", "predict"] });
    const { keys } = keyPageSchema.parse((await send("GET", "/admin/keys", undefined, key)).body);
    expect(keys.map((each) => each.id)).toEqual([id]);
    for (const [method, path] of [
      ["GET", ""],
      ["PATCH", ""],
      ["DELETE", ""],
      ["POST", "/rotate"],
    ] as const) {
      const body = method === "PATCH" ? { disabled: true } : undefined;
      const answer = await send(method, `/admin/keys/${powerful.id}${path}`, body, key);
      expect(answer.status, method).toBe(403);
    }
    expect((await send("GET", `/admin/keys/${powerful.id}`)).body).toMatchObject({
      state: "active",
    });
  });

  it("without the scope is refused", async () => {
    const { id, key } = await create({ scopes: ["predict", "models:write"] });
    for (const [method, path] of [
      ["GET", "/admin/keys"],
      ["POST", "/admin/keys"],
      ["GET", `/admin/keys/${id}`],
      ["DELETE", `/admin/keys/${id}`],
    ] as const) {
      const answer = await send(method, path, method === "POST" ? {} : undefined, key);
      expect(answer.status).toBe(403);
      expect(answer.body.detail).toContain('"keys"');
    }
  });
});

describe("GET /admin/keys", () => {
  it("lists keys in pages, by state and owner, without secrets", async () => {
    const first = await create({ owner: "one" });
    const second = await create({ owner: "two" });
    const third = await create({ owner: "one" });
    await send("DELETE", `/admin/keys/${second.id}`);
    const idsOf = async (query: string): Promise<string[]> => {
      const { text } = await send("GET", `/admin/keys?${query}`);
      for (const { key } of [first, second, third]) expect(text).not.toContain(key);
      return keyPageSchema.parse(JSON.parse(text)).keys.map(({ id }) => id);
    };
    expect(await idsOf("")).toEqual([third.id, second.id, first.id]);
    expect(await idsOf("state=revoked")).toEqual([second.id]);
    expect(await idsOf("owner=one")).toEqual([third.id, first.id]);
    expect(await idsOf("owner=nobody")).toEqual([]);
    const { cursor } = (await send("GET", "/admin/keys?limit=2")).body;
    expect(await idsOf(`limit=2&cursor=${cursor}`)).toEqual([first.id]);
  });

  it.each([
    ["limit=0", "limit"],
    ["limit=1001", "limit"],
    ["limit=ten", "limit"],
    ["cursor=abc", "cursor"],
    ["cursor=", "cursor"],
    ["state=gone", "state"],
    ["owner=", "owner"],
    [`owner=${"a".repeat(201)}`, "owner"],
  ])("refuses %s", async (query, field) => {
    const { status, body } = await send("GET", `/admin/keys?${query}`);
    expect(status).toBe(400);
    expect(body.detail).toContain(`"${field}"`);
  });
});

describe("one key", () => {
  it("is read, changed, disabled and enabled", async () => {
    const { id, key, ...created } = await create({ quota: { requestsPerDay: 5, tokensPerDay: 7 } });
    const path = `/admin/keys/${id}`;
    expect((await send("GET", path)).body).toEqual({ id, ...created });
    storage.advance(1000);
    const patch = { name: "another", quota: { tokensPerDay: null }, disabled: true };
    const changed = keySchema.parse((await send("PATCH", path, patch)).body);
    expect(changed).toEqual({
      ...created,
      id,
      name: "another",
      quota: { requestsPerDay: 5 },
      state: "disabled",
      updatedAt: "2026-11-30T12:00:01.000Z",
    });
    expect((await send("PATCH", path, { disabled: false })).body).toMatchObject({
      state: "active",
    });
  });

  it("gets a new secret, and the one before ends when it was said", async () => {
    const { id, key } = await create();
    const path = `/admin/keys/${id}/rotate`;
    const rotated = await send("POST", path, { overlapSeconds: 60 });
    expect(rotated.headers.get("cache-control")).toBe("no-store");
    const body = createdKeySchema.parse(rotated.body);
    expect(body).toMatchObject({ id, rotatedAt: START, overlapEndsAt: "2026-11-30T12:01:00.000Z" });
    expect(body.key).not.toBe(key);
    expect(keyIdIn(body.key)).toBe(id);
    // A day, without a body.
    const again = createdKeySchema.parse((await send("POST", path)).body);
    expect(again.overlapEndsAt).toBe("2026-12-01T12:00:00.000Z");
    for (const overlapSeconds of [-1, 2_592_001, "60", 0.5])
      expect((await send("POST", path, { overlapSeconds })).status).toBe(400);
  });

  it("that is revoked stays so, and cannot be changed", async () => {
    const { id } = await create();
    const path = `/admin/keys/${id}`;
    const revoked = await send("DELETE", path);
    expect(revoked).toMatchObject({ status: 200, body: { state: "revoked", revokedAt: START } });
    storage.advance(1000);
    expect((await send("DELETE", path)).body).toEqual(revoked.body);
    for (const [method, sub, body] of [
      ["PATCH", "", { disabled: false }],
      ["POST", "/rotate", {}],
    ] as const) {
      const answer = await send(method, `${path}${sub}`, body);
      expect(answer).toMatchObject({ status: 409, body: { code: "key_revoked" } });
    }
  });

  it.each(["GET", "PATCH", "DELETE"])("that there is not is not found by %s", async (method) => {
    for (const id of ["000000000000", "1", "%27%20OR%201=1", "..%2Fkeys"]) {
      const body = method === "PATCH" ? {} : undefined;
      const answer = await send(method, `/admin/keys/${id}`, body);
      expect(answer).toMatchObject({ status: 404, body: { code: "key_not_found" } });
    }
  });

  it("is not found by its secret, which the answer does not repeat", async () => {
    const { key } = await create();
    const { status, text, body } = await send("GET", `/admin/keys/${key}`);
    expect(status).toBe(404);
    expect(text).not.toContain(key.slice(20, 52));
    expect(body.detail).toContain("rotate it");
  });
});

it("without the binding of the authority the operations say what is missing", async () => {
  app = createTestApp({ config: parseConfig({ ADMIN_KEY }) });
  const answer = await send("POST", "/admin/keys", { name: "a", scopes: ["predict"] });
  expect(answer.status).toBe(501);
  expect(answer.body.detail).toContain("binding KEYS");
});
