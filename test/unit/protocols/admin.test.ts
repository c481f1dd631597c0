import { beforeAll, describe, expect, test, vi } from "vitest";
import { parseConfig } from "../../../src/config.ts";
import type { TelemetryEvent } from "../../../src/domain/event.ts";
import { NO_ROUTING } from "../../../src/domain/routing.ts";
import { shadowStatsSchema } from "../../../src/protocols/admin/response-schema.ts";
import type { GarbageCollector } from "../../../src/registry/collect-garbage.ts";
import type { VersionDeleter } from "../../../src/registry/delete-version.ts";
import type { Publisher } from "../../../src/registry/publish.ts";
import { createEventLog } from "../../../src/telemetry/event-log.ts";
import { createShadowStatisticsSink } from "../../../src/telemetry/shadow-statistics.ts";
import { COMPARED, FAILURE, PREDICTION, PURGE } from "../../contracts/event-sink.ts";
import { createTestApp } from "../../support/test-app.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/** The admin API by `app.request`; publishing and deleting are tested in workerd. */

const config = parseConfig({ ADMIN_KEY: "the-key", MAX_MODEL_BYTES: "1000" });
const headers = { authorization: "Bearer the-key" };

beforeAll(() => {
  stubWorkersGlobals();
  return () => vi.unstubAllGlobals();
});

test.each(["/admin/models", "/admin/runtime", "/admin/cache", "/admin/no-such-path"])(
  "%s needs the admin key, and is closed where none is configured",
  async (path) => {
    const withoutKey = await createTestApp({ config }).request(path);
    expect([withoutKey.status, withoutKey.headers.get("www-authenticate")]).toEqual([
      401,
      "Bearer",
    ]);
    const closed = await createTestApp({ config: parseConfig({}) }).request(path, { headers });
    expect(closed.status).toBe(401);
    expect(await closed.json()).toMatchObject({ code: "unauthorized" });
  },
);

test("the statistics of cache and host are those of the services", async () => {
  const stats = { loads: 3 };
  const ofModel = { model: { name: "large" }, loads: 1 };
  const app = createTestApp({
    config,
    cacheStats: () => ({ hits: 2 }),
    host: { stats: async () => [stats, ofModel] as never },
  });
  expect(await (await app.request("/admin/cache", { headers })).json()).toEqual({ hits: 2 });
  expect(await (await app.request("/admin/runtime", { headers })).json()).toEqual({
    ...stats,
    isolates: [ofModel],
  });
});

test("a purge applies to its scope, and emits an event", async () => {
  const events: TelemetryEvent[] = [];
  const at = "2026-11-30T00:00:00.000Z";
  const summary = { at, dropped: { isolate: 1, kv: 2 }, complete: true };
  const purge = vi.fn(async () => summary);
  const app = createTestApp({
    config,
    cache: { purge, learnPurges: async () => undefined, refreshPurges: () => undefined },
    sink: { emit: (event) => events.push(event) },
  });
  const body = JSON.stringify({ model: "iris-logistic" });
  const response = await app.request("/admin/cache/purge", { method: "POST", headers, body });
  expect(await response.json()).toEqual({ purged: { model: "iris-logistic" }, ...summary });
  expect(purge).toHaveBeenCalledWith({ model: "iris-logistic" });
  expect(events).toMatchObject([
    { event: "purge", time: at, model: "iris-logistic", complete: true },
    {
      event: "audit",
      operation: "purgeCache",
      request: { model: "iris-logistic" },
      after: { dropped: { isolate: 1, kv: 2 }, complete: true },
      outcome: "done",
    },
    { event: "request", operation: "purgeCache", status: 200 },
  ]);
});

describe("a version", () => {
  const path = "/admin/models/mine/versions/2";

  test("is published from the body, whose size is told before it is read", async () => {
    const publish = vi.fn<Publisher["publish"]>(
      async () => ({ manifest: { name: "mine", files: [] } }) as never,
    );
    const app = createTestApp({
      config,
      publisher: { publish },
    });
    const send = (bytes: number, length?: string): Promise<Response> =>
      app.request(path, {
        method: "PUT",
        body: new Uint8Array(bytes),
        headers: { ...headers, ...(length === undefined ? {} : { "content-length": length }) },
      });
    const created = await send(10, "10");
    expect([created.status, created.headers.get("location")]).toEqual([
      201,
      "/v2/models/mine/versions/2",
    ]);
    expect(publish.mock.calls[0]?.[0]).toEqual({ name: "mine", version: "2" });
    expect(publish.mock.calls[0]?.[1].model?.sizeBytes).toBe(10);
    expect(await (await send(10)).json()).toMatchObject({ code: "length_required" });
    expect(await (await send(10, "1001")).json()).toMatchObject({ code: "body_too_large" });
    expect(publish).toHaveBeenCalledTimes(1);
  });
});

describe("deleting a version", () => {
  const path = "/admin/models/mine/versions/2";
  const routes = { alias: "canary", from: { split: [{ version: "2", weight: 1 }] }, to: null };
  const result = { removedObjects: 3, removedRoutes: [routes], routing: NO_ROUTING };

  test.each([
    ["", false],
    ["?force=false", false],
    ["?force=true", true],
  ])("%s names who deletes it, and returns what has changed", async (query, force) => {
    const remove = vi.fn<VersionDeleter["delete"]>(async () => result);
    const app = createTestApp({ config, deleter: { delete: remove, resume: vi.fn() } });
    const response = await app.request(`${path}${query}`, { method: "DELETE", headers });
    expect(await response.json()).toEqual({
      deleted: { name: "mine", version: "2" },
      removedObjects: 3,
      removedRoutes: [routes],
      routing: { model: "mine", revision: 0, aliases: {}, default: null, deleted: {} },
    });
    // The beginning of the SHA-256 of "the-key".
    expect(remove).toHaveBeenCalledWith(
      { name: "mine", version: "2" },
      { force, author: { by: "key:ad44dc8e" } },
    );
  });

  test("refuses another value of force", async () => {
    const app = createTestApp({ config });
    const response = await app.request(`${path}?force=1`, { method: "DELETE", headers });
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { code: "invalid_request", details: { field: "force" } },
    ]);
  });
});

describe("collecting garbage", () => {
  const orphan = {
    key: "uploads/mine/1/model.onnx",
    id: { name: "mine", version: "1" },
    sizeBytes: 7,
    reason: "upload",
    ageMs: 90_500,
    isProtected: false,
  } as const;
  const shown = { key: orphan.key, sizeBytes: 7, reason: "upload", ageSeconds: 90 };
  const skipped = [{ name: "other", version: "1", problem: "not readable" }];

  test("lists orphans, of which those that are too young are protected", async () => {
    const find = vi.fn<GarbageCollector["find"]>(async () => ({
      orphans: [orphan, { ...orphan, isProtected: true }],
      skipped,
      cursor: "models/mine/1/x",
    }));
    const app = createTestApp({ config, garbage: { find, collect: vi.fn() } });
    const response = await app.request("/admin/gc?olderThanSeconds=60&cursor=models/a/1/b", {
      headers,
    });
    expect(await response.json()).toEqual({
      orphans: [shown, { ...shown, protected: true }],
      totalBytes: 14,
      olderThanSeconds: 60,
      skipped,
      cursor: "models/mine/1/x",
    });
    expect(find).toHaveBeenCalledWith({ olderThanMs: 60_000, cursor: "models/a/1/b" });
  });

  test("removes them, and emits an event", async () => {
    const collect = vi.fn<GarbageCollector["collect"]>(async () => ({
      removed: [orphan],
      failed: [{ ...orphan, key: "uploads/mine/1/b", problem: "storage is down" }],
      skipped,
      cursor: undefined,
    }));
    const events: TelemetryEvent[] = [];
    const sink = { emit: (event: TelemetryEvent) => void events.push(event) };
    const app = createTestApp({ config, sink, garbage: { find: vi.fn(), collect } });
    const post = (body?: string): Promise<Response> =>
      app.request("/admin/gc", { method: "POST", headers, ...(body && { body }) });
    expect(await (await post()).json()).toEqual({
      removed: [shown],
      removedBytes: 7,
      failed: [{ ...shown, key: "uploads/mine/1/b", problem: "storage is down" }],
      skipped,
    });
    await post(JSON.stringify({ olderThanSeconds: 0, keys: ["a", "a"] }));
    expect(collect.mock.calls).toEqual([
      [{ olderThanMs: 86_400_000, keys: undefined, cursor: undefined }],
      [{ olderThanMs: 0, keys: ["a"], cursor: undefined }],
    ]);
    expect(events[0]).toMatchObject({
      event: "gc",
      removed: 1,
      removedBytes: 7,
      failed: 1,
      skipped: 1,
      complete: true,
    });
  });

  test.each([
    ["GET", "?olderThanSeconds=-1", undefined, "olderThanSeconds"],
    ["GET", "?olderThanSeconds=1.5", undefined, "olderThanSeconds"],
    ["POST", "", { olderThanSeconds: "1" }, undefined],
    ["POST", "", { keys: [] }, undefined],
    ["POST", "", { keys: ["a"], cursor: "models/a/1/b" }, undefined],
    ["POST", "", { older: 1 }, undefined],
  ])("%s %s with %o is refused", async (method, query, body, field) => {
    const app = createTestApp({ config });
    const response = await app.request(`/admin/gc${query}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    });
    const answer = (await response.json()) as { code: string; details?: { field?: string } };
    expect([response.status, answer.code]).toEqual([400, "invalid_request"]);
    if (field) expect(answer.details).toEqual({ field });
  });
});

test("the event of a path that has another method names the route", async () => {
  const app = createTestApp({ config });
  expect((await app.request("/admin/cache/purge", { headers })).status).toBe(405);
  expect((await app.request("/admin/no-such-path", { headers })).status).toBe(404);
  expect(app.events.map(({ route }) => route)).toEqual(["/admin/cache/purge", "unmatched"]);
});

describe("the stream of events", () => {
  function createEvents() {
    const eventLog = createEventLog();
    return { eventLog, app: createTestApp({ config, eventLog }) };
  }

  test("has the last events that are selected, as server-sent events with the JSON of the console", async () => {
    const { eventLog, app } = createEvents();
    for (const event of [PREDICTION, FAILURE, PURGE]) eventLog.emit(event);
    const response = await app.request("/admin/events?status=5xx", { headers });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(await response.text()).toBe(`data: ${JSON.stringify(FAILURE)}\n\n`);
    const all = await (await app.request("/admin/events", { headers })).text();
    expect(all.split("\n\n")).toHaveLength(4);
  });

  test("of a HEAD request has headers alone, and ends", async () => {
    const { app, eventLog } = createEvents();
    eventLog.emit(PREDICTION);
    const response = await app.request("/admin/events?follow=true", { method: "HEAD", headers });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(await response.text()).toBe("");
    await app.settle();
    expect(app.events).toMatchObject([{ operation: "streamEvents", status: 200 }]);
  });

  test("goes on while it follows, and tells a reader that does not keep up how many events it missed", async () => {
    const { eventLog, app } = createEvents();
    const response = await app.request("/admin/events?follow=true", { headers });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    const next = async (): Promise<TelemetryEvent> =>
      JSON.parse((await reader?.read())?.value?.replace("data: ", "") ?? "");
    const first = next();
    eventLog.emit(PREDICTION);
    expect(await first).toEqual(JSON.parse(JSON.stringify(PREDICTION)));
    for (let count = 0; count < 1000; count++)
      eventLog.emit({ ...PREDICTION, requestId: String(count) });
    const read = [];
    for (let count = 0; count < 256; count++) read.push(await next());
    const [notice] = read.filter(({ event }) => event === "notice");
    const dropped = Number(notice?.event === "notice" && /^\d+/.exec(notice.message)?.[0]);
    const ids = read.flatMap((event) => (event.event === "request" ? [event.requestId] : []));
    // One may be on its way when the others are dropped.
    expect(ids.at(-1)).toBe(String(dropped + ids.length - 1));
    expect(dropped).toBeGreaterThan(700);
    await reader?.cancel();
  });
});

test("the counts of copies to shadows are those of the model", async () => {
  const shadowStatistics = createShadowStatisticsSink();
  const app = createTestApp({ config, shadowStatistics });
  shadowStatistics.emit({ ...COMPARED, model: "iris-logistic" });
  shadowStatistics.emit(COMPARED);
  const response = await app.request("/admin/models/iris-logistic/shadow", { headers });
  expect(shadowStatsSchema.parse(await response.json())).toEqual({
    model: "iris-logistic",
    pairs: [expect.objectContaining({ alias: COMPARED.alias, same: 1 })],
  });
  const none = await app.request("/admin/models/iris-kmeans/shadow", { headers });
  expect(await none.json()).toEqual({ model: "iris-kmeans", pairs: [] });
  expect((await app.request("/admin/models/no-model/shadow", { headers })).status).toBe(404);
});
