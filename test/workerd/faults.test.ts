import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type AdministeredService, startAdministeredService } from "../support/administration.ts";
import { PRODUCT_COLUMNS, product } from "../support/awkward-models.ts";
import { codeOf } from "../support/faults/sweep.ts";
import { poll } from "../support/poll.ts";
import { findModel, publishAs } from "../support/publish.ts";
import type { TestResponse } from "../support/service.ts";
import { expectOutputs, readExpected, type WireTensor } from "../support/tensors.ts";
import type { PlannedFault } from "./workers/faults/index.ts";
import type { TestWorker } from "./workers/index.ts";

/** Faults of the real bindings, in workerd: some of those that test/unit/faults goes through one by one. */

const IRIS = findModel("iris-logistic");
const EXPECTED = readExpected("iris-logistic");
/** Another one has the calls of a model that no request has named before. */
let models = 0;
let service: AdministeredService;

beforeAll(async () => {
  service = await startAdministeredService({
    outdir: inject("testWorkersBuild"),
    vars: {
      TEST_WORKER: "faults" satisfies TestWorker,
      CACHE_TIERS: "datacenter,kv",
      CACHE_OUTER_TIERS: "always",
      CATALOG_TTL_SECONDS: "0",
      PLACEMENT: "own",
      STORAGE_TIMEOUT_MS: "300",
      REPOSITORY_CONTROL: "open",
    },
  });
});

afterAll(() => service?.dispose());

async function plan(fault: PlannedFault): Promise<void> {
  await service.request("/faults", { method: "PUT", body: JSON.stringify(fault) });
}

async function publishAnother(): Promise<string> {
  models += 1;
  const name = `iris-${models}`;
  await publishAs(service.bucket, IRIS, { name, version: "1" });
  return name;
}

/** One row of some tensors. */
function rowOf(tensors: readonly WireTensor[], row: number): WireTensor[] {
  return tensors.map(({ shape: [rows = 1, ...rest], data, ...tensor }) => {
    const length = data.length / rows;
    return { ...tensor, shape: [1, ...rest], data: data.slice(row * length, (row + 1) * length) };
  });
}

/** Other inputs for each model, because entries of the cache belong to the model's file. */
const infer = (name: string): Promise<TestResponse> =>
  service.post(`/v2/models/${name}/infer`, { inputs: rowOf(EXPECTED.inputs, models) });

// Read once in 20 s, so that only the first request is sure to do so.
test("a list of purges that fails fails no request", async () => {
  await expectFault({ binding: "CACHE", method: "list", fault: "fails" }, 200);
});

test.each<[what: string, fault: PlannedFault, code: string | 200]>([
  ["fails", { binding: "MODELS", method: "list", fault: "fails" }, "storage_failed"],
  ["never answers", { binding: "MODELS", method: "list", fault: "hangs" }, "storage_failed"],
  ["ends early", { key: "manifest.json", fault: "cut" }, "storage_failed"],
  ["has other bytes", { key: "manifest.json", fault: "garbled" }, "storage_failed"],
  ["stops in the middle", { key: "manifest.json", fault: "stalls" }, "storage_failed"],
  [
    "is for a model and stops in the middle",
    { key: "model.onnx", fault: "stalls" },
    "storage_failed",
  ],
  ["is for a model and breaks off", { key: "model.onnx", fault: "breaks" }, "storage_failed"],
])(
  "a read of the real bucket that %s is answered so, and the next request is right",
  async (_, fault, code) => {
    await expectFault(fault, code);
  },
);

test.each<[what: string, fault: PlannedFault]>([
  ["an entry of KV that never comes", { binding: "CACHE", method: "get", fault: "hangs" }],
  [
    "an entry of the Cache API that stops",
    { binding: "DATACENTER", method: "match", fault: "stalls" },
  ],
  ["a write to KV that fails", { binding: "CACHE", method: "put", fault: "fails" }],
  ["a write to the Cache API that fails", { binding: "DATACENTER", method: "put", fault: "fails" }],
])("%s fails no request", async (_, fault) => {
  await expectFault(fault, 200);
});

test("a loader that fails costs a request, and the next one gets the isolate", async () => {
  await expectFault({ binding: "LOADER", method: "get", fault: "fails" }, "engine_crashed");
});

test("a large model that stops on its way to its isolate fails one request", async () => {
  expect((await service.publish("large", product(2, 1))).status).toBe(201);
  await service.unloadAll();
  const inputs = [
    {
      name: "x",
      datatype: "FP32",
      shape: [1, PRODUCT_COLUMNS],
      data: Array(PRODUCT_COLUMNS).fill(0),
    },
  ];
  await plan({ method: "get", key: "/model.", fault: "stalls" });
  const response = await service.post("/v2/models/large/infer", { inputs });
  expect([response.status, codeOf(response)]).toEqual([502, "storage_failed"]);
  const next = await service.post("/v2/models/large/infer", { inputs });
  expect(next).toMatchObject({ status: 200, body: { outputs: [{ shape: [1, 2048] }] } });
});

/** The model's isolate is not there before, so that the request takes every call. */
async function expectFault(fault: PlannedFault, code: string | 200): Promise<void> {
  const name = await publishAnother();
  for (let each = 1; each < models; each++)
    await service.request(`/v2/repository/models/iris-${each}/unload`, { method: "POST" });
  await plan(fault);
  const response = await infer(name);
  expect(response.status === 200 ? 200 : codeOf(response)).toBe(code);
  // A write begins after the response.
  await poll("the fault", async () => {
    const { body } = await service.request("/faults");
    return (body as { readonly hasHappened: boolean }).hasHappened || undefined;
  });
  const next = await infer(name);
  expect(next.status).toBe(200);
  const outputs = rowOf(EXPECTED.outputs, models);
  expectOutputs(next.body, { ...EXPECTED, outputs });
}
