import { createHash } from "node:crypto";
import { beforeEach, expect, test, vi } from "vitest";
import { createFaultyService, type FaultyService } from "../../support/faults/faulty-service.ts";
import { codeOf, type Scenario, sweepFaults } from "../../support/faults/sweep.ts";
import { findModel } from "../../support/publish.ts";
import type { TestResponse } from "../../support/service.ts";
import { expectOutputs, readExpected } from "../../support/tensors.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/** Requests of clients, while each call of R2, KV and the Cache API that they take has each fault. */

stubWorkersGlobals();

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
  return () => vi.useRealTimers();
});

const IRIS = "iris-logistic";
const LANGUAGES = "language-identification";
const INPUTS = { inputs: readExpected(IRIS).inputs };

const infer = (service: FaultyService, reference = IRIS): Promise<TestResponse> =>
  service.post(`/v2/models/${reference}/infer`, INPUTS);
const checkIris = ({ body }: TestResponse): void => expectOutputs(body, readExpected(IRIS));

const INPUT_OF_LANGUAGES = {
  inputs: findModel(LANGUAGES).manifest.example?.inputs,
  parameters: { top_k: 1 },
};

const ENCRYPTION_KEY = createHash("sha256").update("a key for tests").digest("base64");

async function setAlias(service: FaultyService): Promise<void> {
  const response = await service.request(`/admin/models/${IRIS}/aliases/stable`, {
    method: "PUT",
    body: JSON.stringify({ version: 1 }),
  });
  expect(response.status).toBe(200);
  service.restart();
}

test.each<[what: string, scenario: Scenario]>([
  [
    "a prediction of a model that is not loaded",
    { models: [IRIS], spoilsObjects: true, act: (service) => infer(service), check: checkIris },
  ],
  [
    "a prediction by an alias",
    {
      models: [IRIS],
      settings: { CACHE_TIERS: "" },
      prepare: setAlias,
      act: (service) => infer(service, `${IRIS}@stable`),
      check: checkIris,
    },
  ],
  [
    "a prediction that another isolate has cached",
    {
      models: [IRIS],
      settings: { CACHE_TIERS: "kv" },
      async prepare(service) {
        await infer(service);
        service.restart();
      },
      act: (service) => infer(service),
      check: checkIris,
    },
  ],
  [
    "a prediction of a task with a file of its own",
    {
      models: [LANGUAGES],
      spoilsObjects: true,
      settings: { CACHE_TIERS: "" },
      act: (service) => service.post(`/models/${LANGUAGES}`, INPUT_OF_LANGUAGES),
      check: ({ body }) => expect(body).toMatchObject([{ label: "eng" }]),
    },
  ],
  [
    "a prediction from an encrypted bucket",
    {
      models: [IRIS],
      spoilsObjects: true,
      settings: { CACHE_TIERS: "", ENCRYPTION_KEY },
      async prepare(service) {
        const body = JSON.stringify({ plain: true });
        const encrypted = await service.request("/admin/encryption", { method: "POST", body });
        expect(encrypted).toMatchObject({ status: 200, body: { encrypted: 2 } });
        service.restart();
      },
      act: (service) => infer(service),
      check: checkIris,
    },
  ],
])(
  "%s has the right answer or says that storage failed, and is right once that is over",
  async (_, scenario) => {
    await sweepFaults(scenario);
  },
);

test.each<[path: string, init: RequestInit, expected: object]>([
  ["/v2/models", {}, {}],
  [`/v2/models/${IRIS}`, {}, { name: IRIS, versions: ["1"] }],
  [`/v2/models/${IRIS}/ready`, {}, { ready: true }],
  ["/v2/health/ready", {}, {}],
  ["/v1/models", {}, { data: [{ id: IRIS }] }],
  ["/v2/repository/index", { method: "POST" }, [{ name: IRIS, version: "1" }]],
  [`/admin/models/${IRIS}`, {}, { versions: [{ version: "1" }] }],
  [`/admin/models/${IRIS}/history`, {}, { entries: [{ alias: "stable" }] }],
])(
  "%s is right or says that storage failed, and is right once that is over",
  async (path, init, expected) => {
    await sweepFaults({
      models: [IRIS],
      settings: { CACHE_TIERS: "" },
      prepare: setAlias,
      act: (service) => service.request(path, init),
      errors: ["not_ready"],
      check: ({ body }) => expect(body).toMatchObject(expected),
    });
  },
);

test("a prediction ends at its own deadline, whichever call of storage hangs", async () => {
  const act = (service: FaultyService): Promise<TestResponse> =>
    service.post(`/models/${LANGUAGES}`, INPUT_OF_LANGUAGES, { "x-timeout-ms": "5000" });
  const settings = { CACHE_TIERS: "" };
  const { plan, ...first } = await createFaultyService([LANGUAGES], settings);
  plan.arm();
  expect((await act({ ...first, plan })).status).toBe(200);
  const needed = [...plan.calls.keys()].filter((at) => plan.calls[at]?.binding === "MODELS");
  // A list, a manifest, the model, and the task's own file. Nobody waits for the list of purges.
  expect(needed).toHaveLength(4);
  for (const at of needed) {
    const service = await createFaultyService([LANGUAGES], settings);
    service.plan.arm(at, "hangs");
    const before = service.elapsedMs;
    const response = await service.answer(act);
    expect([codeOf(response), at]).toEqual(["deadline_exceeded", at]);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(service.elapsedMs - before).toBeLessThan(7000);
    await service.settle();
    service.plan.disarm();
    expect((await act(service)).status).toBe(200);
  }
});

test("a call of storage that could take for ever would be found", async () => {
  const scenario: Scenario = {
    models: [IRIS],
    settings: { CACHE_TIERS: "", STORAGE_TIMEOUT_MS: 100_000 },
    async prepare({ plan }) {
      plan.longestWaitMs = 101_000;
    },
    act: (service) => service.request(`/v2/models/${IRIS}`),
    check: () => undefined,
  };
  await expect(sweepFaults(scenario)).rejects.toThrow(
    "MODELS.list models/iris-logistic/ hangs: it took",
  );
});
