import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type AdministeredService, startAdministeredService } from "../support/administration.ts";
import { codeOf } from "../support/faults/sweep.ts";
import { findModel, publishAs } from "../support/publish.ts";
import type { TestResponse } from "../support/service.ts";
import { expectOutputs, readExpected } from "../support/tensors.ts";
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

const infer = (name: string, headers = {}): Promise<TestResponse> =>
  service.post(`/v2/models/${name}/infer`, { inputs: EXPECTED.inputs }, headers);

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
  ["a list of purges that fails", { binding: "CACHE", method: "list", fault: "fails" }],
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

/** The model's isolate is not there before, so that the request takes every call. */
async function expectFault(fault: PlannedFault, code: string | 200): Promise<void> {
  const name = await publishAnother();
  for (let each = 1; each < models; each++)
    await service.request(`/v2/repository/models/iris-${each}/unload`, { method: "POST" });
  await plan(fault);
  const response = await infer(name);
  expect(response.status === 200 ? 200 : codeOf(response)).toBe(code);
  expect((await service.request("/faults")).body).toEqual({ hasHappened: true });
  const next = await infer(name);
  expect(next.status).toBe(200);
  expectOutputs(next.body, EXPECTED);
}
