import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { generateApiKey, generateKeyId } from "../../src/domain/access/api-key.ts";
import type { KeyAuthority } from "../../src/domain/access/key-authority.ts";
import type { KeyFields } from "../../src/domain/access/stored-key.ts";
import type { GuardEvent, RequestEvent } from "../../src/domain/event.ts";
import { type AuthorityStub, createRemoteAuthority } from "../../src/guard/remote-authority.ts";
import { toHex } from "../../src/shared/hex.ts";
import { sha256 } from "../../src/shared/sha256.ts";
import { hostingAuthority, sharingAuthority } from "../support/authorities.ts";
import { GRANTOR, type IssuedKey } from "../support/keys.ts";
import { poll as pollFor } from "../support/poll.ts";
import { findModel, publishAs } from "../support/publish.ts";
import { startWorkers, type Workers } from "../support/workers.ts";

/**
 * API keys in built Workers: two with one authority, as isolates of a deployment have it, and one whose authority can be cut off, by a
 * Durable Object between them.
 */

const ADMIN_KEY = "a-key-for-tests";
const IRIS = JSON.stringify({ inputs: [5.1, 3.5, 1.4, 0.2] });

/** Passes questions on to the authority of another Worker, fails, or waits, as the last request said. */
const BRIDGE = `import { DurableObject } from "cloudflare:workers";
  export class KeyAuthority extends DurableObject {
    async set(mode) { this.mode = mode; }
    async find(ids) {
      if (this.mode === "fails") throw new Error("out of reach");
      if (this.mode === "hangs") await scheduler.wait(100_000_000);
      return this.env.REAL.getByName("keys").find(ids);
    }
  }
  export default {
    async fetch(request, env) {
      await env.KEYS.getByName("keys").set(new URL(request.url).pathname.slice(1));
      return new Response();
    },
  };`;

/** Waits until it is true, or has a value. */
function until<T>(what: string, read: () => Promise<T | false> | T | false): Promise<T> {
  return pollFor(what, async () => (await read()) || undefined);
}

let workers: Workers;
let authority: KeyAuthority;

beforeAll(async () => {
  const common = {
    code: { outdir: inject("workerBuild") },
    bindings: {
      ADMIN_KEY,
      PUBLIC_PREDICT: "false",
      MAX_QUEUE_MS: "1000000",
      KEY_GRACE_SECONDS: "60",
    },
    r2Buckets: { MODELS: "models" },
    kvNamespaces: { CACHE: "cache" },
  };
  const real = { className: "KeyAuthority", scriptName: "first", useSQLite: true };
  workers = await startWorkers([
    { name: "first", ...common, ...hostingAuthority() },
    { name: "second", ...common, ...sharingAuthority("first") },
    { name: "bridged", ...common, ...sharingAuthority("bridge") },
    {
      name: "bridge",
      code: { script: BRIDGE },
      durableObjects: { KEYS: { className: "KeyAuthority", useSQLite: true }, REAL: real },
    },
  ]);
  const namespace = await workers.miniflare.getDurableObjectNamespace("KEYS", "first");
  authority = createRemoteAuthority(
    () => namespace.get(namespace.idFromName("keys")) as unknown as AuthorityStub,
  );
  const model = findModel("iris-logistic");
  await publishAs(await workers.bucket("MODELS"), model, model.manifest);
});

afterAll(() => workers?.dispose());

async function createKey(fields: Partial<KeyFields> = {}): Promise<IssuedKey> {
  const id = generateKeyId();
  const key = generateApiKey(id);
  const digest = toHex(await sha256(key));
  await authority.createKey(
    { id, sha256: digest },
    { name: "a test", scopes: ["predict", "models:read"], ...fields },
    GRANTOR,
  );
  return { id, key };
}

interface Answer {
  readonly status: number;
  readonly code: unknown;
  readonly retryAfter: string | null;
}

let sent = 0;
const nextId = (): string => `access-${sent++}`;

async function send(
  worker: string,
  path: string,
  key: string | undefined,
  { body, address, id = nextId() }: { body?: string; address?: string; id?: string } = {},
): Promise<Answer> {
  const response = await fetch(`${await workers.originOf(worker)}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      "x-request-id": id,
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...(address !== undefined && { "cf-connecting-ip": address }),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body }),
  });
  const { code } = (await response.json()) as { code?: unknown };
  return { status: response.status, code, retryAfter: response.headers.get("retry-after") };
}

const predict = (worker: string, key: string | undefined): Promise<Answer> =>
  send(worker, "/models/iris-logistic", key, { body: IRIS });

function guardEvents(): GuardEvent[] {
  return workers.logs
    .filter(({ message }) => message.startsWith('{"event":"guard"'))
    .map(({ message }) => JSON.parse(message));
}

test.concurrent("a Worker is closed by default, and a key opens it at once in every isolate", async () => {
  for (const worker of ["first", "second"]) {
    expect(await predict(worker, undefined)).toMatchObject({ status: 401, code: "unauthorized" });
    expect((await send(worker, "/v2/health/live", undefined)).status).toBe(200);
  }
  const { id, key } = await createKey();
  for (const worker of ["first", "second"])
    expect(await predict(worker, key)).toMatchObject({ status: 200 });
  const requestId = nextId();
  await send("second", "/v2/models", key, { id: requestId });
  const event = await until("event", () => {
    const line = workers.logs.find(({ message }) => message.includes(`"${requestId}"`));
    return line ? (JSON.parse(line.message) as RequestEvent) : false;
  });
  expect(event.principal).toBe(`key:${id}`);
  expect(workers.logs.some(({ message }) => message.includes(key))).toBe(false);
});

test.concurrent("a revoked key stops in every isolate within 5 s, while it is in steady use", async () => {
  const { id, key } = await createKey();
  const other = await createKey();
  const lastAccepted = new Map<string, number>();
  const useUntilRefused = async (worker: string): Promise<void> => {
    await until("refusal", async () => {
      const startedAt = Date.now();
      const { status } = await send(worker, "/v2/models", key);
      if (status === 200) lastAccepted.set(worker, startedAt);
      else expect(status).toBe(401);
      return status === 401;
    });
  };
  for (const worker of ["first", "second"])
    expect((await send(worker, "/v2/models", key)).status).toBe(200);
  const users = ["first", "second"].map(useUntilRefused);
  await authority.revokeKey(id, GRANTOR);
  const revokedAt = Date.now();
  await Promise.all(users);
  for (const at of lastAccepted.values()) expect(at - revokedAt).toBeLessThan(5000);
  for (const worker of ["first", "second"])
    expect((await send(worker, "/v2/models", other.key)).status).toBe(200);
});

test.concurrent("a key that is used seldom stops as well: no isolate uses what it knew 5 s ago", async () => {
  const { id, key } = await createKey();
  const workersOf = ["first", "second"];
  for (const worker of workersOf) await send(worker, "/v2/models", key);
  await authority.revokeKey(id, GRANTOR);
  await new Promise((resolve) => setTimeout(resolve, 5000));
  for (const worker of workersOf)
    expect(await send(worker, "/v2/models", key)).toMatchObject({
      status: 401,
      code: "unauthorized",
    });
});

test.concurrent("after a rotation both secrets are accepted in every isolate, and then the new one alone", async () => {
  const { id, key } = await createKey();
  for (const worker of ["first", "second"]) await send(worker, "/v2/models", key);
  const next = generateApiKey(id);
  await authority.rotateKey({ id, sha256: toHex(await sha256(next)) }, 2, GRANTOR);
  const statuses = (each: string) =>
    Promise.all(
      ["first", "second"].map(async (worker) => (await send(worker, "/v2/models", each)).status),
    );
  expect(await statuses(next)).toEqual([200, 200]);
  expect(await statuses(key)).toEqual([200, 200]);
  await until("end of the overlap", async () =>
    (await statuses(key)).every((status) => status === 401),
  );
  expect(await statuses(next)).toEqual([200, 200]);
});

const ADDRESS = "2001:db8:7:7::1";

test.concurrent("guesses of an address are answered with 429, and keys of the same address go on", async () => {
  const { key } = await createKey();
  const guess = (at: string) => send("first", "/v2/models", crypto.randomUUID(), { address: at });
  for (let i = 0; i < 10; i++) expect((await guess(`2001:db8:7:7::${i}`)).status).toBe(401);
  const slowed = await guess(ADDRESS);
  expect([slowed.status, slowed.code]).toEqual([429, "too_many_attempts"]);
  expect(Number(slowed.retryAfter)).toBeGreaterThanOrEqual(1);
  expect(Number(slowed.retryAfter)).toBeLessThanOrEqual(6);
  expect((await send("first", "/v2/models", key, { address: ADDRESS })).status).toBe(200);
  expect((await send("first", "/admin/models", ADMIN_KEY, { address: ADDRESS })).status).toBe(429);
  expect((await send("first", "/admin/models", ADMIN_KEY)).status).toBe(200);
  const events = await until("event", () => {
    const found = guardEvents().filter(({ kind }) => kind === "guesses_slowed");
    return found.length > 0 && found;
  });
  expect(events).toMatchObject([{ network: "2001:db8:7::/48" }]);
});

const setBridge = async (mode: "answers" | "fails" | "hangs"): Promise<void> => {
  await fetch(`${await workers.originOf("bridge")}/${mode}`);
};
const outages = () => guardEvents().filter(({ kind }) => kind.startsWith("authority_"));

async function checkOutage(mode: "fails" | "hangs"): Promise<void> {
  const known = await createKey();
  const unknown = await createKey();
  await setBridge("answers");
  expect(await predict("bridged", known.key)).toMatchObject({ status: 200 });
  const before = outages().length;
  await setBridge(mode);
  await new Promise((resolve) => setTimeout(resolve, 5000));
  for (let i = 0; i < 5; i++)
    expect(await predict("bridged", known.key)).toMatchObject({ status: 200 });
  for (let i = 0; i < 2; i++)
    expect(await predict("bridged", unknown.key)).toMatchObject({
      status: 503,
      code: "authority_unavailable",
      retryAfter: "1",
    });
  await authority.revokeKey(known.id, GRANTOR);
  await setBridge("answers");
  await until("return", async () => (await predict("bridged", unknown.key)).status === 200);
  await until("revocation", async () => (await predict("bridged", known.key)).status === 401);
  const events = await until("events", () => {
    const found = outages().slice(before);
    return found.some(({ kind }) => kind === "authority_reachable") && found;
  });
  expect(events.map(({ kind, principal, isAccepted }) => [kind, principal, isAccepted])).toEqual([
    ["authority_unreachable", `key:${known.id}`, true],
    ["authority_unreachable", `key:${unknown.id}`, false],
    ["authority_reachable", undefined, undefined],
  ]);
}

test.concurrent("while the authority is out of reach, known keys go on, unknown ones are refused, and it is noticed when it is back", async () => {
  await checkOutage("fails");
  await checkOutage("hangs");
});
