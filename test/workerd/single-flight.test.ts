import { afterEach, beforeEach, expect, test } from "vitest";
import { sum } from "../support/awkward-models.ts";
import { cacheStatus } from "../support/cache-status.ts";
import { type HeldService, startHeldService } from "../support/held-storage.ts";
import { beginPost } from "../support/raw-request.ts";
import { store } from "../support/stored-model.ts";

/** Identical requests while their model is loaded, for as long as a test holds the load. */

const CACHED = { cache: { enabled: true, ttlSeconds: 600, scope: "public" } } as const;
const PATH = "/v2/models/plus/infer";
const FILE = "models/plus/1/model.onnx";
const body = { inputs: [{ name: "x", datatype: "FP32", shape: [1], data: [41] }] };

let service: HeldService;

beforeEach(async () => {
  service = await startHeldService({ CACHE_TIERS: "isolate,datacenter,kv" });
});

afterEach(() => service?.dispose());

async function executions(): Promise<unknown> {
  const { body } = await service.request("/v2/models/plus/stats");
  return (body as { model_stats: { execution_count: number }[] }).model_stats[0]?.execution_count;
}

test("concurrent identical requests run once, and each gets the prediction", async () => {
  await store(service.bucket, "plus", sum(1), CACHED);
  await service.hold();
  const ids = Array.from({ length: 10 }, (_, index) => `same-${index}`);
  const replies = ids.map((id) => service.post(PATH, body, { "x-request-id": id }));
  await service.storage(({ holding }) => holding === 1);
  await service.release();
  const answers = await Promise.all(replies);
  for (const { status, body } of answers)
    expect([status, body]).toMatchObject([200, { outputs: [{ data: [42] }] }]);
  expect(await executions()).toBe(1);
  expect((await service.storage()).reads[FILE]).toBe(1);
  const statuses = answers.map(cacheStatus);
  // Those that arrived while the first one waited shared its prediction, later ones found it stored.
  expect(statuses.filter(({ stored }) => stored)).toHaveLength(1);
  expect(statuses.filter(({ collapsed, hit }) => collapsed || hit)).toHaveLength(9);
  expect(cacheStatus(await service.post(PATH, body))).toMatchObject({ hit: true });
});

test("concurrent identical requests run once when the client of the first one disconnects", async () => {
  await store(service.bucket, "plus", sum(1), CACHED);
  await service.hold();
  const first = await beginPost(service.origin, PATH, body);
  await service.storage(({ holding }) => holding === 1);
  const replies = Array.from({ length: 5 }, () => service.post(PATH, body));
  first.resetAndDestroy();
  await service.storage(({ abandoned }) => abandoned === 1);
  await service.release();
  const answers = await Promise.all(replies);
  for (const { status, body } of answers)
    expect([status, body]).toMatchObject([200, { outputs: [{ data: [42] }] }]);
  // None of them ran itself, so the run of the first one continued without its client.
  for (const answer of answers) {
    const { collapsed, hit } = cacheStatus(answer);
    expect(collapsed || hit).toBe(true);
    const event = await service.event(String(answer.headers.get("x-request-id")));
    expect(event.phasesMs.infer).toBeUndefined();
  }
  expect((await service.storage()).reads[FILE]).toBe(1);
});

test("concurrent different requests get their own predictions", async () => {
  await store(service.bucket, "plus", sum(1), CACHED);
  await service.hold();
  const ask = (x: number) =>
    service.post(PATH, { inputs: [{ name: "x", datatype: "FP32", shape: [1], data: [x] }] });
  const replies = Array.from({ length: 12 }, (_, index) => ask(index % 4));
  await service.storage(({ holding }) => holding === 1);
  await service.release();
  const answers = await Promise.all(replies);
  const data = answers.map(
    ({ body }) => (body as { outputs: { data: number[] }[] }).outputs[0]?.data,
  );
  expect(data).toEqual(Array.from({ length: 12 }, (_, index) => [(index % 4) + 1]));
  expect(await executions()).toBe(4);
  expect((await service.storage()).reads[FILE]).toBe(1);
});

test("a first request past its deadline fails alone", async () => {
  await store(service.bucket, "plus", sum(1), CACHED);
  await service.hold();
  const first = service.post(PATH, body, { "x-timeout-ms": "1" });
  await service.storage(({ holding }) => holding === 1);
  const second = service.post(PATH, body);
  // Another request of the same isolate, so that the one before it has been received.
  await service.request("/v2/models/plus");
  await service.release();
  expect(await first).toMatchObject({ status: 429, body: { code: "deadline_exceeded" } });
  expect(await second).toMatchObject({ status: 200, body: { outputs: [{ data: [42] }] } });
  expect(await executions()).toBe(1);
  expect(cacheStatus(await service.post(PATH, body))).toMatchObject({ hit: true });
});

test("a failed load is neither shared with later requests nor stored", async () => {
  const manifest = await store(service.bucket, "plus", sum(1), CACHED);
  const file = await service.bucket.get(FILE);
  const bytes = await file?.arrayBuffer();
  await service.bucket.put(FILE, "broken");
  const failed = await Promise.all(Array.from({ length: 4 }, () => service.post(PATH, body)));
  expect(failed.map(({ status }) => status)).toEqual([503, 503, 503, 503]);
  expect((await service.kv.list({ prefix: "prediction/" })).keys).toEqual([]);
  await service.bucket.put(FILE, bytes as ArrayBuffer);
  const answer = await service.post(PATH, body);
  expect([answer.status, manifest.version]).toEqual([200, "1"]);
  expect(cacheStatus(answer)).toMatchObject({ fwd: "miss", stored: true });
});
