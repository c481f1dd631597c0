import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { GarbageEvent } from "../../src/domain/event.ts";
import { ADMIN_KEY } from "../support/administration.ts";
import { sum } from "../support/awkward-models.ts";
import { buildOnnx } from "../support/onnx-builder.ts";
import { poll } from "../support/poll.ts";
import { beginPut } from "../support/raw-request.ts";
import { startWorkers, type WorkerSpec, type Workers } from "../support/workers.ts";

/** Two Workers on one bucket, with nothing else between them, that publish, promote and delete at the same time over HTTP. */

const ROUNDS = 6;

interface Answer {
  readonly status: number;
  readonly body: { readonly code?: string } & Record<string, unknown>;
}

let workers: Workers;
let origins: readonly [string, string];

function worker(name: string): WorkerSpec {
  return {
    name,
    code: { outdir: inject("workerBuild") },
    bindings: {
      ADMIN_KEY,
      MAX_QUEUE_MS: "1000000",
      CACHE_TIERS: "",
      CATALOG_TTL_SECONDS: "0",
    },
    r2Buckets: { MODELS: "models" },
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
  };
}

beforeAll(async () => {
  workers = await startWorkers([worker("first"), worker("second")]);
  const second = await workers.miniflare.unsafeGetDirectURL("second");
  origins = [workers.origin, second.origin];
});

afterAll(() => workers?.dispose());

async function send(origin: string, path: string, init: RequestInit = {}): Promise<Answer> {
  const headers = { authorization: `Bearer ${ADMIN_KEY}` };
  const response = await fetch(`${origin}${path}`, { ...init, headers });
  return { status: response.status, body: (await response.json()) as Answer["body"] };
}

const admin = (origin: string, method: string, path: string, body?: BodyInit): Promise<Answer> =>
  send(origin, `/admin${path}`, { method, ...(body !== undefined && { body }) });

/** Version 1 of a model that adds the bias. */
const publish = (origin: string, name: string, bias: number, query = ""): Promise<Answer> =>
  admin(origin, "PUT", `/models/${name}/versions/1${query}`, buildOnnx(sum(bias)));
const remove = (origin: string, name: string): Promise<Answer> =>
  admin(origin, "DELETE", `/models/${name}/versions/1`);

/** What a version adds; the status when it does not answer. */
async function biasOf(origin: string, reference: string): Promise<number | string> {
  const inputs = [{ name: "x", datatype: "FP32", shape: [1], data: [0] }];
  const { status, body } = await send(origin, `/v2/models/${reference}/infer`, {
    method: "POST",
    body: JSON.stringify({ inputs }),
  });
  if (status !== 200) return `${status}`;
  return (body as unknown as { outputs: [{ data: [number] }] }).outputs[0].data[0];
}

async function keysOf(prefix: string): Promise<string[]> {
  const { objects } = await (await workers.bucket("MODELS")).list({ prefix });
  return objects.map(({ key }) => key);
}

const rounds = Array.from({ length: ROUNDS }, (_, round) => round);

test.each(rounds)("of two publications of one version one succeeds, whole (%i)", async (round) => {
  const name = `twice-${round}`;
  const answers = await Promise.all(
    origins.map((origin, index) => publish(origin, name, index + 1)),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
  const winner = answers.findIndex(({ status }) => status === 201) + 1;
  for (const origin of origins) expect(await biasOf(origin, name)).toBe(winner);
  // Nothing is left of the other one.
  expect(await keysOf(`models/${name}/`)).toHaveLength(2);
});

test.each(rounds)("a version is promoted or deleted, but not both (%i)", async (round) => {
  const name = `routed-${round}`;
  const [first, second] = origins;
  expect(await publish(first, name, 1)).toMatchObject({ status: 201 });
  const alias = JSON.stringify({ version: 1 });
  const [promoted, deleted] = await Promise.all([
    admin(first, "PUT", `/models/${name}/aliases/production`, alias),
    remove(second, name),
  ]);
  if (promoted.status === 200) {
    expect(deleted).toMatchObject({ status: 409, body: { code: "version_in_use" } });
    for (const origin of origins) expect(await biasOf(origin, `${name}@production`)).toBe(1);
    return;
  }
  expect(deleted).toMatchObject({ status: 200 });
  expect(["version_deleted", "version_not_found", "model_not_found"]).toContain(promoted.body.code);
  for (const origin of origins) expect(await biasOf(origin, name)).toBe("404");
  expect(await keysOf(`models/${name}/`)).toEqual([`models/${name}/routing.json`]);
});

test.each(rounds)("of two deletions both end, and the version is gone (%i)", async (round) => {
  const name = `gone-${round}`;
  expect(await publish(origins[0], name, 1)).toMatchObject({ status: 201 });
  const answers = await Promise.all(origins.map((origin) => remove(origin, name)));
  const statuses = answers.map(({ status }) => status);
  expect(statuses).toContain(200);
  for (const status of statuses) expect([200, 404]).toContain(status);
  expect(await keysOf(`models/${name}/`)).toEqual([`models/${name}/routing.json`]);
  expect(await publish(origins[1], name, 2)).toMatchObject({ body: { code: "version_deleted" } });
  expect(await publish(origins[1], name, 1)).toMatchObject({ status: 201 });
  for (const origin of origins) expect(await biasOf(origin, name)).toBe(1);
});

test("changes that both make at the same time are all in the history, in order", async () => {
  const name = "counted";
  expect(await publish(origins[0], name, 1)).toMatchObject({ status: 201 });
  const aliases = Array.from({ length: 12 }, (_, index) => `alias-${index}`);
  const answers = await Promise.all(
    aliases.map((alias, index) =>
      admin(
        origins[index % 2] ?? "",
        "PUT",
        `/models/${name}/aliases/${alias}`,
        JSON.stringify({ version: 1 }),
      ),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual(aliases.map(() => 200));
  const { body } = await admin(origins[0], "GET", `/models/${name}/history`);
  const entries = body.entries as { revision: number; alias: string }[];
  expect(entries.map(({ revision }) => revision)).toEqual(aliases.map((_, index) => 12 - index));
  expect(entries.map(({ alias }) => alias).sort()).toEqual([...aliases].sort());
});

test("requests during deletions and publications get one of the models, or none", async () => {
  const name = "changing";
  const [first, second] = origins;
  await publish(first, name, 1);
  let isChanging = true;
  const seen = new Set<number | string>();
  const asking = origins.map(async (origin) => {
    while (isChanging) seen.add(await biasOf(origin, name));
  });
  for (const bias of [2, 3, 4, 5]) {
    expect(await remove(second, name)).toMatchObject({ status: 200 });
    expect(await publish(first, name, bias, "?force=true")).toMatchObject({ status: 201 });
    expect(await biasOf(first, name)).toBe(bias);
  }
  isChanging = false;
  await Promise.all(asking);
  // 503: the files of a version that was deleted while it was loaded.
  expect([...seen].filter((each) => ![1, 2, 3, 4, 5, "404", "503"].includes(each))).toEqual([]);
});

describe("a publication that is cut off", () => {
  test("leaves nothing visible, and what it leaves is garbage", async () => {
    const bytes = buildOnnx(sum(1));
    const socket = await beginPut(origins[0], "/admin/models/cut/versions/1", {
      authorization: `Bearer ${ADMIN_KEY}`,
      beginning: bytes.subarray(0, bytes.length - 1),
      sizeBytes: bytes.length,
    });
    socket.resetAndDestroy();
    for (const origin of origins) expect(await biasOf(origin, "cut")).toBe("404");
    expect(await publish(origins[1], "cut", 7)).toMatchObject({ status: 201 });
    for (const origin of origins) expect(await biasOf(origin, "cut")).toBe(7);
    await poll("removal of what was cut off", async () =>
      (await keysOf("models/cut/")).length === 2 ? true : undefined,
    );
  });
});

describe("garbage", () => {
  test("of uploads is listed, and removed when it is old enough", async () => {
    const [first, second] = origins;
    const path = "/models/sent/versions/3/files/weights.bin";
    expect(await admin(first, "PUT", path, "0123456789")).toMatchObject({ status: 201 });
    const [key] = await keysOf("uploads/sent/");
    const orphan = { key, sizeBytes: 10, reason: "upload" };
    expect(await admin(second, "GET", "/gc")).toMatchObject({
      status: 200,
      body: { orphans: [{ ...orphan, protected: true }], totalBytes: 10 },
    });
    expect(await admin(second, "POST", "/gc")).toMatchObject({ body: { removed: [] } });
    const request = JSON.stringify({ olderThanSeconds: 0, keys: [key, "models/cut/1/x"] });
    expect(await admin(second, "POST", "/gc", request)).toMatchObject({
      status: 200,
      body: { removed: [orphan], removedBytes: 10, failed: [] },
    });
    expect(await keysOf("uploads/sent/")).toEqual([]);
  });

  test("of a version that may still be published is kept, whatever is asked for", async () => {
    const bucket = await workers.bucket("MODELS");
    const key = "models/unfinished/1/0123456789abcdef/model.onnx";
    await bucket.put(key, "0123456789");
    const request = JSON.stringify({ olderThanSeconds: 0 });
    const { body } = await admin(origins[0], "POST", "/gc", request);
    expect(body).toMatchObject({ removed: [], failed: [], skipped: [] });
    expect(await keysOf("models/unfinished/")).toEqual([key]);
  });

  test("is collected by the Cron Trigger, which emits an event", async () => {
    const target = await workers.miniflare.getWorker("first");
    const { outcome } = await target.scheduled({ cron: "17 3 * * *" });
    expect(outcome).toBe("ok");
    const event = await poll("event of the collection", async () =>
      workers.logs
        .filter(({ message }) => message.startsWith('{"event":"gc"'))
        .map(({ message }) => JSON.parse(message) as GarbageEvent)
        .find(({ requestId }) => requestId === undefined),
    );
    expect(event).toMatchObject({ removed: 0, failed: 0, skipped: 0, complete: true });
  });
});
