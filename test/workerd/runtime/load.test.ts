import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RuntimeStats } from "../../../src/domain/ports.ts";
import { fileKey } from "../../../src/storage/model-keys.ts";
import { PRODUCT_COLUMNS, product } from "../../support/awkward-models.ts";
import { type HeldService, startHeldService } from "../../support/held-storage.ts";
import { buildOnnx } from "../../support/onnx-builder.ts";
import { poll } from "../../support/poll.ts";
import { beginPost } from "../../support/raw-request.ts";
import type { TestResponse } from "../../support/service.ts";
import { store } from "../../support/stored-model.ts";

/**
 * A model is loaded once, however many requests wait for it or are aborted meanwhile: storage is held
 * back in the middle of the file until all requests have arrived, and counts its reads.
 */

const WAITING = 40;

let service: HeldService;
let seed = 0;

beforeAll(async () => {
  service = await startHeldService({ MAX_QUEUE_MS: "1000000" });
});

afterAll(() => service?.dispose());

const data = Array.from({ length: PRODUCT_COLUMNS }, (_, index) => (index % 7) - 3);
const request = { inputs: [{ name: "x", datatype: "FP32", shape: [1, PRODUCT_COLUMNS], data }] };

function infer(name: string): Promise<TestResponse> {
  return service.post(`/v2/models/${name}/infer`, request);
}

function inferTogether(name: string, count = WAITING): Promise<TestResponse>[] {
  return Array.from({ length: count }, () => infer(name));
}

/** A model that was never loaded, and its key in the bucket. */
async function storeFresh(): Promise<{ name: string; key: string; bytes: Uint8Array }> {
  seed += 1;
  const name = `fresh-${seed}`;
  const graph = product(1, seed);
  await store(service.bucket, name, graph);
  return { name, key: fileKey({ name, version: "1" }, "model.onnx"), bytes: buildOnnx(graph) };
}

async function readsOf(key: string): Promise<number> {
  return (await service.storage()).reads[key] ?? 0;
}

function isLoaded({ cells }: RuntimeStats, name: string): boolean {
  return cells.some(({ models }) => models.some((model) => model.name === name));
}

function expectSameResponses(responses: readonly TestResponse[]): void {
  const [first] = responses;
  expect(first).toMatchObject({ status: 200, body: { outputs: [{ name: "y" }] } });
  for (const response of responses) expect(response.body).toEqual(first?.body);
}

test(`${WAITING} requests for a model that is not loaded read it once`, async () => {
  const { name, key } = await storeFresh();
  await service.hold();
  const responses = inferTogether(name);
  await service.storage(({ holding }) => holding === 1);
  responses.push(...inferTogether(name, 5));
  await service.release();
  expectSameResponses(await Promise.all(responses));
  expect(await readsOf(key)).toBe(1);
});

test("concurrent requests read the model once also when storage is fast", async () => {
  const { name, key } = await storeFresh();
  expectSameResponses(await Promise.all(inferTogether(name)));
  expect(await readsOf(key)).toBe(1);
});

test("different models are read at the same time", async () => {
  const models = [await storeFresh(), await storeFresh(), await storeFresh()];
  await service.hold();
  const responses = models.map(({ name }) => infer(name));
  await service.storage(({ holding }) => holding === models.length);
  await service.release();
  for (const response of await Promise.all(responses)) expect(response.status).toBe(200);
});

describe("when the request that began the load is aborted", () => {
  /** Begins a load by a request that is aborted in the middle of it. */
  async function beginAndLeave(name: string): Promise<void> {
    const { abandoned } = await service.storage();
    const socket = await beginPost(service.origin, `/v2/models/${name}/infer`, request);
    await service.storage(({ holding }) => holding === 1);
    socket.resetAndDestroy();
    await service.storage((state) => state.abandoned === abandoned + 1);
  }

  test("waiting requests use the load of an aborted request", async () => {
    const { name, key } = await storeFresh();
    const { abandoned } = await service.storage();
    await service.hold();
    const socket = await beginPost(service.origin, `/v2/models/${name}/infer`, request);
    await service.storage(({ holding }) => holding === 1);
    const responses = inferTogether(name);
    socket.resetAndDestroy();
    await service.storage((state) => state.abandoned === abandoned + 1);
    await service.release();
    expectSameResponses(await Promise.all(responses));
    expect(await readsOf(key)).toBe(1);
  });

  test("later requests use the load of an aborted request", async () => {
    const { name, key } = await storeFresh();
    await service.hold();
    await beginAndLeave(name);
    const responses = inferTogether(name);
    await service.release();
    expectSameResponses(await Promise.all(responses));
    expect(await readsOf(key)).toBe(1);
  });

  test("the load of an aborted request is completed, though no other request needs it", async () => {
    const { name, key } = await storeFresh();
    await service.hold();
    await beginAndLeave(name);
    await service.release();
    await poll(`${name} in memory`, async () =>
      isLoaded(await service.runtime(), name) ? true : undefined,
    );
    expectSameResponses([await infer(name)]);
    expect(await readsOf(key)).toBe(1);
  });

  test("waiting requests get the failure of an aborted request's load", async () => {
    const { name, key, bytes } = await storeFresh();
    await service.bucket.put(key, wrongInTheEnd(bytes));
    await service.hold();
    await beginAndLeave(name);
    const responses = inferTogether(name, 5);
    await service.release();
    for (const response of await Promise.all(responses))
      expect(response).toMatchObject({ status: 503, body: { code: "model_corrupt" } });
  });

  // The client disconnects at an arbitrary point: while the model is resolved, read, created or run.
  test.each(Array.from({ length: 20 }, (_, iterations) => iterations))(
    "after %i iterations of the event loop, the others succeed",
    async (iterations) => {
      const { name, key } = await storeFresh();
      const socket = await beginPost(service.origin, `/v2/models/${name}/infer`, request);
      const responses = inferTogether(name, 3);
      for (let i = 0; i < iterations; i++) await new Promise(setImmediate);
      socket.resetAndDestroy();
      expectSameResponses(await Promise.all(responses));
      expect(await readsOf(key)).toBe(1);
    },
  );
});

test("a load that fails fails for all requests that wait, and the next request tries again", async () => {
  const { name, key, bytes } = await storeFresh();
  await service.bucket.put(key, wrongInTheEnd(bytes));
  await service.hold();
  const first = infer(name);
  await service.storage(({ holding }) => holding === 1);
  const responses = [first, ...inferTogether(name)];
  // The response to a later request: the earlier ones have arrived, and wait.
  await service.request("/v2/health/live");
  await service.release();
  for (const response of await Promise.all(responses))
    expect(response).toMatchObject({
      status: 503,
      body: { code: "model_corrupt", error: expect.stringContaining(`model "${name}" version 1`) },
    });
  const failedReads = await readsOf(key);
  expect(failedReads).toBeLessThan(WAITING);

  expect(await infer(name)).toMatchObject({ body: { code: "model_corrupt" } });
  expect(await readsOf(key)).toBe(failedReads + 1);

  await service.bucket.put(key, bytes);
  expectSameResponses(await Promise.all(inferTogether(name)));
  expect(await readsOf(key)).toBe(failedReads + 2);
});

function wrongInTheEnd(bytes: Uint8Array): Uint8Array {
  const wrong = bytes.slice();
  wrong[wrong.length - 1] = (wrong.at(-1) ?? 0) ^ 1;
  return wrong;
}
