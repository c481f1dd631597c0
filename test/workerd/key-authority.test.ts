import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type * as z from "zod";
import { startLocalWorker } from "../../scripts/local-worker.ts";
import { type AuthorityStub, createRemoteAuthority } from "../../src/guard/remote-authority.ts";
import {
  createdKeySchema,
  keyPageSchema,
  keySchema,
} from "../../src/protocols/admin/key-response.ts";
import { testKeyAuthority } from "../contracts/key-authority.ts";
import { hostingAuthority, sharingAuthority } from "../support/authorities.ts";
import { poll } from "../support/poll.ts";
import { findModel, publishAs } from "../support/publish.ts";
import { startWorkers, type Workers } from "../support/workers.ts";

/**
 * The built Worker twice, with one authority of API keys in a Durable Object: what one of them changes, the other one uses. They share nothing
 * else but the bucket, as isolates of a deployment do.
 */

const ADMIN_KEY = "the-admin-key-of-these-tests";
const IRIS = { inputs: [5.1, 3.5, 1.4, 0.2] };
/** For how long a key is used from memory at most: a request that begins later gets what the authority says. */
const FRESH_MS = 5000;

const NAMES = ["first", "second"] as const;
type Name = (typeof NAMES)[number];

let workers: Workers;
const origins = new Map<Name, string>();

beforeAll(async () => {
  const common = {
    code: { outdir: inject("workerBuild") },
    bindings: { ADMIN_KEY, PUBLIC_PREDICT: "false", MAX_QUEUE_MS: "1000000" },
    r2Buckets: { MODELS: "models" },
  };
  workers = await startWorkers([
    { name: "first", ...common, ...hostingAuthority() },
    { name: "second", ...common, ...sharingAuthority("first") },
  ]);
  for (const name of NAMES) origins.set(name, await workers.originOf(name));
  const iris = findModel("iris-logistic");
  await publishAs(await workers.bucket("MODELS"), iris, iris.manifest);
});

afterAll(() => workers?.dispose());

describe("the Durable Object", () => {
  testKeyAuthority(async () => {
    const namespace = await workers.miniflare.getDurableObjectNamespace("KEYS", "first");
    const stub = namespace.get(namespace.idFromName("contract"));
    return createRemoteAuthority(() => stub as unknown as AuthorityStub);
  });
});

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

async function send(
  worker: Name,
  method: string,
  path: string,
  key: string,
  body?: object,
): Promise<Answer> {
  const response = await fetch(`${origins.get(worker)}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}` },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

const administer = (worker: Name, method: string, path: string, body?: object): Promise<Answer> =>
  send(worker, method, `/admin/keys${path}`, ADMIN_KEY, body);

const statusOf = async (worker: Name, key: string): Promise<number> =>
  (await send(worker, "POST", "/models/iris-logistic", key, IRIS)).status;

async function create(
  worker: Name,
  fields: object = {},
): Promise<z.output<typeof createdKeySchema>> {
  const { status, body } = await administer(worker, "POST", "", {
    name: "of a test",
    scopes: ["predict"],
    ...fields,
  });
  expect(status, JSON.stringify(body)).toBe(201);
  return createdKeySchema.parse(body);
}

/** Waits until a key gets this status of both. */
async function reaches(key: string, status: number): Promise<void> {
  for (const name of NAMES)
    await poll(
      `${status} by ${name}`,
      async () => (await statusOf(name, key)) === status || undefined,
    );
}

describe("a key that one Worker creates", () => {
  test("is accepted by all of them at once, and is the same in both", async () => {
    const { id, key, ...created } = await create("first", { models: ["iris-*"], owner: "a team" });
    for (const name of NAMES) expect(await statusOf(name, key)).toBe(200);
    const { body } = await administer("second", "GET", `/${id}`);
    expect(keySchema.parse(body)).toEqual({ id, ...created });
    const listed = keyPageSchema.parse((await administer("second", "GET", "?owner=a%20team")).body);
    expect(listed.keys).toEqual([{ id, ...created }]);
  });

  test.concurrent("is refused everywhere within 5 seconds when another one revokes it, and stays so", async () => {
    const { id, key } = await create("first");
    for (const name of NAMES) expect(await statusOf(name, key)).toBe(200);
    const { status } = await administer("second", "DELETE", `/${id}`);
    const endsAt = performance.now() + FRESH_MS;
    expect(status).toBe(200);
    // In use all the time, which refreshes it in the background as well.
    while (performance.now() < endsAt) {
      for (const name of NAMES) await statusOf(name, key);
      await pause(50);
    }
    for (const name of NAMES) expect(await statusOf(name, key)).toBe(401);
  });

  test.concurrent("is refused while it is disabled, and after its end", async () => {
    const { id, key } = await create("first");
    const soon = new Date(Date.now() + 6000).toISOString();
    const ending = await create("second", { expiresAt: soon });
    for (const name of NAMES) expect(await statusOf(name, ending.key)).toBe(200);
    expect(await statusOf("second", key)).toBe(200);
    await administer("first", "PATCH", `/${id}`, { disabled: true });
    await reaches(key, 401);
    await reaches(ending.key, 401);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(soon));
    expect((await administer("first", "GET", `/${ending.id}`)).body).toMatchObject({
      state: "expired",
    });
    await administer("second", "PATCH", `/${id}`, { disabled: false });
    await reaches(key, 200);
  });

  test.concurrent("has two secrets while a rotation overlaps, and one afterwards", async () => {
    const { id, key: before } = await create("first");
    for (const name of NAMES) expect(await statusOf(name, before)).toBe(200);
    const { body } = await administer("second", "POST", `/${id}/rotate`, { overlapSeconds: 8 });
    const { key: after, overlapEndsAt = "" } = createdKeySchema.parse(body);
    for (const name of NAMES) {
      expect(await statusOf(name, after)).toBe(200);
      expect(await statusOf(name, before)).toBe(200);
    }
    await reaches(before, 401);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(overlapEndsAt));
    for (const name of NAMES) expect(await statusOf(name, after)).toBe(200);
  });

  test("gives nothing that it has not itself", async () => {
    const { id, key } = await create("first", { scopes: ["keys", "predict"], models: ["iris-*"] });
    const fields = { name: "more", scopes: ["predict", "models:write"], models: ["iris-*"] };
    const refused = await send("second", "POST", "/admin/keys", key, fields);
    expect(refused).toMatchObject({ status: 403, body: { code: "forbidden" } });
    const raised = await send("second", "PATCH", `/admin/keys/${id}`, key, { models: null });
    expect(raised).toMatchObject({ status: 403, body: { code: "forbidden" } });
  });
});

test("keys that are created at the same time are all there, once each", async () => {
  const made = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      create(NAMES[index % 2] as Name, { owner: "concurrent" }),
    ),
  );
  const listed: string[] = [];
  let cursor: string | undefined;
  do {
    const query = `?owner=concurrent&limit=6${cursor === undefined ? "" : `&cursor=${cursor}`}`;
    const page = keyPageSchema.parse((await administer("second", "GET", query)).body);
    listed.push(...page.keys.map(({ id }) => id));
    cursor = page.cursor;
  } while (cursor !== undefined);
  expect(listed.toSorted()).toEqual(made.map(({ id }) => id).toSorted());
});

test("the changes of a key are in the audit log, by the one who made them", async () => {
  const { id } = await create("first", { owner: "somebody" });
  await administer("second", "PATCH", `/${id}`, { quota: { requestsPerDay: 5 }, owner: null });
  await administer("first", "POST", `/${id}/rotate`, { overlapSeconds: 0 });
  await administer("first", "DELETE", `/${id}`);
  const { body } = await send("first", "GET", `/admin/audit?key=${id}`, ADMIN_KEY);
  const { entries } = body as { entries: Record<string, unknown>[] };
  const done = entries.filter(({ phase }) => phase === "done");
  expect(done.map(({ operation }) => operation).toSorted()).toEqual([
    "changeKey",
    "createKey",
    "revokeKey",
    "rotateKey",
  ]);
  expect(done.find(({ operation }) => operation === "changeKey")).toMatchObject({
    by: expect.stringMatching(/^key:[0-9a-f]{8}$/),
    details: { after: { quota: { requestsPerDay: 5 }, rewritten: ["owner"] } },
  });
  expect(JSON.stringify(entries)).not.toContain("somebody");
});

test("keys are there after a restart, as digests alone", async () => {
  const statePath = mkdtempSync(join(tmpdir(), "onnxflare-keys-"));
  const start = () =>
    startLocalWorker({ outdir: inject("workerBuild"), statePath, vars: { ADMIN_KEY } });
  const authorization = `Bearer ${ADMIN_KEY}`;
  try {
    const before = await start();
    const body = JSON.stringify({ name: "kept", scopes: ["models:read"] });
    const init = { method: "POST", headers: { authorization }, body };
    const created = await fetch(new URL("/admin/keys", before.url), init);
    const { id, key } = createdKeySchema.parse(await created.json());
    await before.dispose();
    const files = readdirSync(statePath, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"));
    expect(files.some((text) => text.includes(id))).toBe(true);
    expect(files.filter((text) => text.includes(key.slice(20, 52)))).toEqual([]);
    const after = await start();
    const headers = { authorization: `Bearer ${key}` };
    expect((await fetch(new URL("/v2/models", after.url), { headers })).status).toBe(200);
    await after.dispose();
  } finally {
    rmSync(statePath, { recursive: true, force: true });
  }
});
