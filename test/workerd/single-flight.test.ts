import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { sum } from "../support/awkward-models.ts";
import { cacheStatus } from "../support/cache-status.ts";
import { type HeldService, startHeldService } from "../support/held-storage.ts";
import { beginPost } from "../support/raw-request.ts";
import { store } from "../support/stored-model.ts";

/** Identical requests while their model is loaded, for as long as a test holds the load. */

const CACHED = { cache: { enabled: true, ttlSeconds: 600, scope: "public" } } as const;
const body = { inputs: [{ name: "x", datatype: "FP32", shape: [1], data: [41] }] };

let service: HeldService;
let number = 0;
/** A model of each test's own, which was never loaded: `y = x + 1`. */
let name: string;
let path: string;
let file: string;

beforeAll(async () => {
  service = await startHeldService({ CACHE_TIERS: "isolate,datacenter,kv" });
});

afterAll(() => service?.dispose());

beforeEach(async () => {
  number += 1;
  name = `plus-${number}`;
  path = `/v2/models/${name}/infer`;
  file = `models/${name}/1/model.onnx`;
  await store(service.bucket, name, { ...sum(1), name }, CACHED);
});

async function executions(): Promise<unknown> {
  const { body } = await service.request(`/v2/models/${name}/stats`);
  return (body as { model_stats: { execution_count: number }[] }).model_stats[0]?.execution_count;
}

test("identical requests run once, and each gets the prediction", async () => {
  await service.hold();
  const ids = Array.from({ length: 10 }, (_, index) => `same-${index}`);
  const replies = ids.map((id) => service.post(path, body, { "x-request-id": id }));
  await service.storage(({ holding }) => holding === 1);
  await service.release();
  const responses = await Promise.all(replies);
  for (const { status, body } of responses)
    expect([status, body]).toMatchObject([200, { outputs: [{ data: [42] }] }]);
  expect(await executions()).toBe(1);
  expect((await service.storage()).reads[file]).toBe(1);
  const statuses = responses.map(cacheStatus);
  // Those that arrived while the first one waited shared its prediction, later ones found it stored.
  expect(statuses.filter(({ stored }) => stored)).toHaveLength(1);
  expect(statuses.filter(({ collapsed, hit }) => collapsed || hit)).toHaveLength(9);
  expect(cacheStatus(await service.post(path, body))).toMatchObject({ hit: true });
});

test("identical requests run once also when the first client disconnects", async () => {
  await service.hold();
  const first = await beginPost(service.origin, path, body);
  await service.storage(({ holding }) => holding === 1);
  const replies = Array.from({ length: 5 }, () => service.post(path, body));
  first.resetAndDestroy();
  await service.storage(({ abandoned }) => abandoned === 1);
  await service.release();
  const responses = await Promise.all(replies);
  for (const { status, body } of responses)
    expect([status, body]).toMatchObject([200, { outputs: [{ data: [42] }] }]);
  // None of them ran itself, so the run of the first one continued without its client.
  for (const response of responses) {
    const { collapsed, hit } = cacheStatus(response);
    expect(collapsed || hit).toBe(true);
    const event = await service.event(String(response.headers.get("x-request-id")));
    expect(event.phasesMs.infer).toBeUndefined();
  }
  expect((await service.storage()).reads[file]).toBe(1);
});

test("different requests in flight get their own predictions", async () => {
  await service.hold();
  const infer = (x: number) =>
    service.post(path, { inputs: [{ name: "x", datatype: "FP32", shape: [1], data: [x] }] });
  const replies = Array.from({ length: 12 }, (_, index) => infer(index % 4));
  await service.storage(({ holding }) => holding === 1);
  await service.release();
  const responses = await Promise.all(replies);
  const data = responses.map(
    ({ body }) => (body as { outputs: { data: number[] }[] }).outputs[0]?.data,
  );
  expect(data).toEqual(Array.from({ length: 12 }, (_, index) => [(index % 4) + 1]));
  expect(await executions()).toBe(4);
  expect((await service.storage()).reads[file]).toBe(1);
});

test("a first one that is too late fails alone", async () => {
  await service.hold();
  const first = service.post(path, body, { "x-timeout-ms": "1" });
  await service.storage(({ holding }) => holding === 1);
  const second = service.post(path, body);
  // Another request of the same isolate, so that the one before it has been taken in.
  await service.request(`/v2/models/${name}`);
  await service.release();
  expect(await first).toMatchObject({ status: 429, body: { code: "deadline_exceeded" } });
  expect(await second).toMatchObject({ status: 200, body: { outputs: [{ data: [42] }] } });
  expect(await executions()).toBe(1);
  expect(cacheStatus(await service.post(path, body))).toMatchObject({ hit: true });
});

test("a model that does not load leaves nothing behind", async () => {
  const stored = await service.bucket.get(file);
  const bytes = await stored?.arrayBuffer();
  await service.bucket.put(file, "broken");
  const failed = await Promise.all(Array.from({ length: 4 }, () => service.post(path, body)));
  expect(failed.map(({ status }) => status)).toEqual([503, 503, 503, 503]);
  expect((await service.kv.list({ prefix: `prediction/${name}/` })).keys).toEqual([]);
  await service.bucket.put(file, bytes as ArrayBuffer);
  const response = await service.post(path, body);
  expect(response.status).toBe(200);
  expect(cacheStatus(response)).toMatchObject({ fwd: "miss", stored: true });
});
