import { beforeEach, expect, test, vi } from "vitest";
import type { FaultyService } from "../../support/faults/faulty-service.ts";
import { codeOf, isSuccess, type Scenario, sweepFaults } from "../../support/faults/sweep.ts";
import type { TestResponse } from "../../support/service.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/** Captures, erasures and exports, while each call of R2, KV and the Cache API that they take has each fault. */

stubWorkersGlobals();

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
  return () => vi.useRealTimers();
});

const SUBJECT = { subject: "user-42" };
const ROWS = [
  [5.1, 3.5, 1.4, 0.2],
  [6.7, 3.0, 5.2, 2.3],
];

const SCENARIO = {
  models: ["iris-logistic"],
  settings: {
    PRIVACY_KEY: Buffer.alloc(32, 7).toString("base64"),
    CACHE_TIERS: "isolate,datacenter,kv",
    CACHE_OUTER_TIERS: "always",
    PUBLIC_PREDICT: "true",
  },
} as const;

/** Two requests of a person, captured and cached, and one of nobody. */
async function leave(service: FaultyService): Promise<void> {
  const { MODELS } = service.storage;
  const key = "models/iris-logistic/1/manifest.json";
  const manifest = JSON.parse(await new Response((await MODELS.get(key))?.body).text());
  const capture = { sample: 1, retentionDays: 30 };
  await MODELS.put(key, Buffer.from(JSON.stringify({ ...manifest, capture })));
  for (const inputs of ROWS)
    expect(await predict(service, inputs, { "x-subject-id": SUBJECT.subject })).toBe(200);
  expect(await predict(service, ROWS[0])).toBe(200);
  await service.settle();
  expect(await left(service)).toEqual({ captures: 3, ofSubject: 2, predictions: 2 });
}

async function predict(service: FaultyService, inputs: unknown, headers = {}): Promise<number> {
  return (await service.post("/models/iris-logistic", { inputs }, headers)).status;
}

async function left({ storage: { MODELS, CACHE } }: FaultyService) {
  const captures = await keysOf(async (cursor) => {
    const page = await MODELS.list({ prefix: "captures/", ...(cursor && { cursor }) });
    const keys = page.objects.map(({ key }) => key);
    return { keys, cursor: page.truncated ? page.cursor : undefined };
  });
  const entries = await keysOf(async (cursor) => {
    const page = await CACHE.list({ prefix: "prediction/", ...(cursor && { cursor }) });
    const keys = page.keys.map(({ name }) => name);
    return { keys, cursor: page.list_complete ? undefined : page.cursor };
  });
  return {
    captures: captures.length,
    ofSubject: captures.filter((key) => !key.includes("/-/")).length,
    predictions: entries.filter((name) => /\.[0-9a-f]{32}\//.test(name)).length,
  };
}

/** Of all pages of a listing. */
async function keysOf(
  list: (cursor: string | undefined) => Promise<{ keys: string[]; cursor: string | undefined }>,
): Promise<string[]> {
  const all: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await list(cursor);
    all.push(...page.keys);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return all;
}

const erase = (service: FaultyService, cursor?: string): Promise<TestResponse> =>
  service.post("/admin/erasures", { ...SUBJECT, ...(cursor && { cursor }) });

interface Erasure {
  readonly receipt: {
    readonly complete: boolean;
    readonly stores: readonly { readonly erased: number; readonly problem?: string }[];
  };
  readonly cursor?: string;
}

test("an erasure that meets faults is complete, or says what is left and goes on with it", async () => {
  const scenario: Scenario = {
    ...SCENARIO,
    prepare: leave,
    act: (service) => erase(service),
    check({ body }) {
      const { receipt, cursor } = body as Erasure;
      expect(receipt.complete).toBe(cursor === undefined);
      if (!receipt.complete)
        expect(receipt.stores.some(({ problem }) => problem !== undefined)).toBe(true);
    },
    async after(service, during) {
      let { receipt, cursor } = during.body as Partial<Erasure>;
      // What it says is complete is not there any more, but for what KV did not list, as it says.
      if (receipt?.complete) expect((await left(service)).ofSubject).toBe(0);
      if (receipt?.complete && (await left(service)).predictions > 0)
        expect(JSON.stringify(receipt)).toContain("entries that KV did not list yet");
      for (let count = 0; !receipt?.complete && count < 10; count++) {
        const next = await erase(service, cursor);
        expect(next.status).toBe(200);
        ({ receipt, cursor } = next.body as Erasure);
      }
      expect(receipt?.complete).toBe(true);
      await erase(service);
      expect(await left(service)).toEqual({ captures: 1, ofSubject: 0, predictions: 0 });
    },
  };
  const calls = await sweepFaults(scenario);
  expect(new Set(calls.map(({ binding }) => binding))).toEqual(new Set(["MODELS", "CACHE"]));
});

test("an export that meets faults has everything, or fails", async () => {
  await sweepFaults({
    ...SCENARIO,
    prepare: leave,
    act: (service) => service.post("/admin/data-exports", SUBJECT),
    check({ body }) {
      const { stores } = body as { stores: { name: string; items: { problem?: string }[] }[] };
      const items = Object.fromEntries(
        stores.map(({ name, items: found }) => [name, found.length]),
      );
      // Bytes that are not those of a capture are told of it.
      expect(items.captures).toBe(2);
      expect(items.predictions).toBeGreaterThanOrEqual(2);
    },
  });
});

test("a capture that cannot be stored fails no request, and the next one is stored", async () => {
  await sweepFaults({
    ...SCENARIO,
    prepare: leave,
    async act(service) {
      const response = await service.post("/models/iris-logistic", { inputs: ROWS[1] });
      await service.settle();
      return response;
    },
    check: ({ body }) =>
      expect(body).toEqual([expect.anything(), expect.anything(), expect.anything()]),
    async after(service) {
      const before = (await left(service)).captures;
      expect(await predict(service, ROWS[0])).toBe(200);
      await service.settle();
      expect((await left(service)).captures).toBe(before + 1);
    },
  });
});

test("captures that cannot be deleted at the end of their retention are deleted by the next collection", async () => {
  const collect = (service: FaultyService): Promise<TestResponse> =>
    service.request("/admin/gc", { method: "POST" });
  await sweepFaults({
    ...SCENARIO,
    async prepare(service) {
      await leave(service);
      vi.setSystemTime(Date.now() + 31 * 86_400_000);
    },
    act: collect,
    check: ({ status }) => expect(status).toBe(200),
    async after(service, during) {
      if (!isSuccess(during.status)) expect(codeOf(during)).toBe("storage_failed");
      expect((await collect(service)).status).toBe(200);
      expect((await left(service)).captures).toBe(0);
    },
  });
});
