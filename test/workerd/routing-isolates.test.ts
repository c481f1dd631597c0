import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { HistoryEntry } from "../../src/domain/routing.ts";
import { poll } from "../support/poll.ts";
import { findModel, publishAs } from "../support/publish.ts";
import { startWorkers, type WorkerSpec, type Workers } from "../support/workers.ts";

/** Two Workers on one bucket, with nothing else between them. */

const ADMIN_KEY = "a-key-for-tests";
const TTL_SECONDS = 1;

let workers: Workers;
let origins: readonly [string, string];

function worker(name: string): WorkerSpec {
  return {
    name,
    code: { outdir: inject("workerBuild") },
    bindings: {
      ADMIN_KEY,
      MAX_QUEUE_MS: "1000000",
      CACHE_TIERS: "isolate",
      CATALOG_TTL_SECONDS: `${TTL_SECONDS}`,
    },
    r2Buckets: { MODELS: "models" },
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
  };
}

beforeAll(async () => {
  workers = await startWorkers([worker("first"), worker("second")]);
  const second = await workers.miniflare.unsafeGetDirectURL("second");
  origins = [workers.origin, second.origin];
  const bucket = await workers.bucket("MODELS");
  for (const version of ["1", "2"])
    await publishAs(bucket, findModel("iris-logistic"), { name: "flowers", version });
});

afterAll(() => workers?.dispose());

async function admin(origin: string, method: string, path: string, body?: object): Promise<object> {
  const response = await fetch(`${origin}/admin/models/flowers/${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
    ...(body && { body: JSON.stringify(body) }),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as object;
}

async function versionAt(origin: string, reference = "flowers@production"): Promise<string | null> {
  const response = await fetch(`${origin}/models/${reference}`, {
    method: "POST",
    body: JSON.stringify({ inputs: [5.1, 3.5, 1.4, 0.2] }),
  });
  await response.arrayBuffer();
  expect(response.status).toBe(200);
  return response.headers.get("x-model-version");
}

describe("a change made in one isolate", () => {
  test("is used there at once, and by the other isolate within the lifetime of a listing", async () => {
    const [first, second] = origins;
    await admin(first, "PUT", "aliases/production", { version: 1 });
    expect(await versionAt(first)).toBe("1");
    expect(await versionAt(second)).toBe("1");
    for (const version of ["2", "1", "2"]) {
      await admin(first, "PUT", "aliases/production", { version });
      const changedAt = Date.now();
      expect(await versionAt(first)).toBe(version);
      await poll("new version in the other isolate", async () =>
        (await versionAt(second)) === version ? version : undefined,
      );
      // Beyond the lifetime, only for what this machine is slow to do.
      expect(Date.now() - changedAt).toBeLessThan(TTL_SECONDS * 1000 + 5000);
    }
    await admin(second, "POST", "aliases/production/rollback");
    expect(await versionAt(second)).toBe("1");
  });
});

test("changes of two isolates at once are all made, one after the other", async () => {
  const changes = origins.flatMap((origin, worker) =>
    Array.from({ length: 50 }, (_, index) =>
      admin(origin, "PUT", `aliases/a${index % 7}`, {
        version: 1 + (index % 2),
        actor: `admin-${worker}`,
        note: `${index}`,
      }),
    ),
  );
  await Promise.all(changes);
  const { entries } = (await admin(origins[1], "GET", "history?limit=1000")) as {
    entries: HistoryEntry[];
  };
  const made = entries.filter(({ actor }) => actor?.startsWith("admin-"));
  expect(made.map(({ actor, note }) => `${actor} ${note}`).sort()).toEqual(
    [0, 1]
      .flatMap((worker) => Array.from({ length: 50 }, (_, index) => `admin-${worker} ${index}`))
      .sort(),
  );
  expect(entries.map(({ revision }) => revision)).toEqual(
    entries.map((_, index) => entries.length - index),
  );
});

test("a long history is kept in parts, and none of its changes is lost", async () => {
  const batch = (origin: string, from: number) =>
    Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        admin(origin, "PUT", "aliases/long", { version: 1, note: `long ${from + index}` }),
      ),
    );
  await Promise.all([batch(origins[0], 0), batch(origins[1], 60)]);
  const bucket = await workers.bucket("MODELS");
  const { objects } = await bucket.list({ prefix: "models/flowers/routing/" });
  expect(objects.map(({ key }) => key)).toContain("models/flowers/routing/1.json");
  const { entries } = (await admin(origins[0], "GET", "history?limit=1000&alias=long")) as {
    entries: HistoryEntry[];
  };
  expect(entries.map(({ note }) => note).sort()).toEqual(
    Array.from({ length: 120 }, (_, index) => `long ${index}`).sort(),
  );
  await admin(origins[1], "POST", "aliases/production/rollback", { to: 1 });
  expect(await versionAt(origins[1])).toBe("1");
});
