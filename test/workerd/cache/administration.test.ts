import { describe, expect, onTestFinished, test } from "vitest";
import { startAdministeredService } from "../../support/administration.ts";
import { powers, sum } from "../../support/awkward-models.ts";
import {
  CACHED,
  createRequest,
  eventOf,
  modelStats,
  shareCacheServices,
  statistics,
  storedKeys,
  TIERS,
} from "../../support/cache-service.ts";
import { cacheStatus } from "../../support/cache-status.ts";
import { store } from "../../support/stored-model.ts";

/** Purges and statistics. */

const start = shareCacheServices();

describe("POST /admin/cache/purge", () => {
  test.each([
    ["without a key", {}],
    ["with another key", { authorization: "Bearer guess" }],
  ])("a purge is refused %s", async (_, headers) => {
    const service = await start({ CACHE_TIERS: "isolate" });
    await store(service.bucket, "plus", sum(1), CACHED);
    const body = createRequest();
    await service.post("/v2/models/plus/infer", body);
    const refused = await service.post("/admin/cache/purge", { all: true }, headers);
    expect(refused).toMatchObject({ status: 401, body: { code: "unauthorized" } });
    expect(cacheStatus(await service.post("/v2/models/plus/infer", body))).toMatchObject({
      hit: true,
    });
  });

  test("a purge with an invalid scope is refused", async () => {
    const service = await start({ CACHE_TIERS: "isolate" });
    const { keys } = await service.kv.list();
    for (const scope of [
      {},
      { all: false },
      { all: true, model: "plus" },
      { version: "1" },
      { model: "Größe" },
      { model: "plus", version: "latest" },
      { model: ["plus"] },
      { client: "../x" },
      { model: "plus", everything: true },
      [],
      "all",
      null,
    ]) {
      const body = JSON.stringify(scope);
      const response = await service.administer("/cache/purge", { method: "POST", body });
      expect([body, response.status]).toEqual([body, 400]);
    }
    const empty = await service.administer("/cache/purge", { method: "POST" });
    expect(empty.status).toBe(400);
    const method = await service.administer("/cache/purge");
    expect([method.status, method.headers.get("allow")]).toEqual([405, "POST"]);
    expect((await service.kv.list()).keys).toEqual(keys);
  });

  test.each([
    ["everything", { all: true }, {}, ["miss", "miss", "miss"]],
    ["a model", { model: "plus" }, { model: "plus" }, ["miss", "miss", "hit"]],
    [
      "a version",
      { model: "plus", version: "2" },
      { model: "plus", version: "2" },
      ["hit", "miss", "hit"],
    ],
  ])(
    "a purge removes %s from every tier, and emits an event",
    async (_, scope, reported, outcomes) => {
      const service = await start({ CACHE_TIERS: TIERS.join(",") });
      await store(service.bucket, "plus", sum(1), CACHED);
      await store(service.bucket, "plus", sum(2), { ...CACHED, version: "2" });
      await store(service.bucket, "minus", sum(-1), CACHED);
      const body = createRequest();
      const paths = ["plus/versions/1", "plus/versions/2", "minus"].map(
        (path) => `/v2/models/${path}/infer`,
      );
      for (const path of paths) await service.post(path, body);
      await storedKeys(service, 3);
      const requestId = crypto.randomUUID();
      const erased = outcomes.filter((outcome) => outcome === "miss").length;
      const purged = await service.administer("/cache/purge", {
        method: "POST",
        body: JSON.stringify(scope),
        headers: { "x-request-id": requestId },
      });
      expect(purged).toMatchObject({
        status: 200,
        body: { purged: reported, dropped: { isolate: erased, kv: erased }, complete: true },
      });
      expect((await service.kv.list({ prefix: "prediction/" })).keys).toHaveLength(3 - erased);
      const after = [];
      for (const path of paths)
        after.push(cacheStatus(await service.post(path, body)).hit ? "hit" : "miss");
      expect(after).toEqual(outcomes);
      await service.event(requestId);
      const events = service.logs
        .filter(({ message }) => message.startsWith('{"event":"purge"'))
        .map(({ message }) => JSON.parse(message));
      expect(events.filter((event) => event.requestId === requestId)).toEqual([
        {
          event: "purge",
          schemaVersion: 3,
          time: (purged.body as { at: string }).at,
          requestId,
          ...reported,
          dropped: { isolate: erased, kv: erased },
          complete: true,
        },
      ]);
    },
  );
});

test("statistics report hits, bytes and the saved time, by tier and by model", async () => {
  // A service of its own: the statistics count from its beginning.
  const service = await startAdministeredService({
    vars: { CACHE_TIERS: "isolate", CACHE_OUTER_TIERS: "always" },
  });
  onTestFinished(() => service.dispose());
  // Large enough for a clock that counts milliseconds.
  await store(service.bucket, "heavy", powers(8), CACHED);
  const inputs = [{ name: "x", datatype: "FP32", shape: [1], data: [1] }];
  expect(await statistics(service)).toMatchObject({ hits: 0, misses: 0, bypasses: 0, hitRatio: 0 });
  const infer = (headers: Record<string, string> = {}) =>
    service.post("/v2/models/heavy/infer", { inputs }, headers);
  const events = [];
  for (const headers of [{}, {}, {}, {}, { "cache-control": "no-store" }])
    events.push(await eventOf(service, await infer(headers)));
  const [miss, ...hits] = events.map(({ cache }) => cache);
  const saved = hits.slice(0, 3).reduce((total, cache) => total + (cache?.savedMs ?? 0), 0);
  expect(saved).toBeGreaterThan(0);
  expect(hits[0]?.savedMs).toBeCloseTo(events[0]?.phasesMs.infer ?? Number.NaN, 2);
  expect(await statistics(service)).toEqual({
    hits: 3,
    misses: 1,
    bypasses: 1,
    hitRatio: 0.75,
    savedMs: expect.closeTo(saved, 6),
    tiers: {
      isolate: {
        hits: 3,
        bytes: 3 * (miss?.bytes ?? Number.NaN),
        savedMs: expect.closeTo(saved, 6),
        failures: 0,
      },
      datacenter: { hits: 0, bytes: 0, savedMs: 0, failures: 0 },
      kv: { hits: 0, bytes: 0, savedMs: 0, failures: 0 },
    },
    failedWrites: {},
    isolate: { limitBytes: 8_388_608, usedBytes: expect.any(Number), entries: 1 },
  });
  expect(await modelStats(service, "heavy")).toMatchObject({
    execution_count: 2,
    inference_count: 2,
    inference_stats: {
      success: { count: 5 },
      cache_hit: { count: 3 },
      cache_miss: { count: 1 },
      compute_infer: { count: 2 },
    },
  });
});
