import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type AdministeredService,
  startAdministeredService,
} from "../../support/administration.ts";
import { sum } from "../../support/awkward-models.ts";
import { findModel } from "../../support/publish.ts";
import { store } from "../../support/stored-model.ts";
import { expectOutputs, readExpected } from "../../support/tensors.ts";

/** What events, statistics and headers say of models in isolates of their own, and without them. */

const MODELS = ["iris-logistic", "spam-detection", "digits-cnn"];
const amount = expect.any(Number);

function predict(service: AdministeredService, name: string, id: string) {
  const { example } = findModel(name).manifest;
  return service.post(`/models/${name}`, { inputs: example?.inputs }, { "x-request-id": id });
}

/** Notices about the Worker Loader. */
function notices({ logs }: AdministeredService): string[] {
  return logs
    .map(({ message }) => message)
    .filter((line) => line.includes('"event":"notice"') && line.includes("LOADER"));
}

describe("a model in an isolate of its own", () => {
  let service: AdministeredService;

  beforeAll(async () => {
    service = await startAdministeredService({ models: MODELS, vars: { PLACEMENT: "own" } });
  });

  afterAll(() => service?.dispose());

  test("has its cold start, phases, digest and memory in the event of each request", async () => {
    const { files, file } = findModel("iris-logistic").manifest;
    const digest = files.find(({ path }) => path === file)?.sha256;
    const response = await predict(service, "iris-logistic", "first");
    expect(response.headers.get("server-timing")).toMatch(/load;dur=.*infer;dur=/);
    const phasesMs = { load: amount, preprocess: amount, infer: amount, postprocess: amount };
    const first = await service.event("first");
    expect(first).toMatchObject({
      digest,
      coldStart: true,
      isolate: { isFirst: true, usedBytes: amount, busyMs: amount },
      phasesMs: { ...phasesMs, body: amount, parse: amount, serialize: amount },
    });
    await predict(service, "iris-logistic", "second");
    const second = await service.event("second");
    expect(second).toMatchObject({
      digest,
      coldStart: false,
      isolate: { isFirst: false, usedBytes: first.isolate?.usedBytes, busyMs: amount },
      phasesMs,
    });
    // Of the phases that happened there.
    const { preprocess = 0, infer = 0, postprocess = 0 } = second.phasesMs;
    expect(second.isolate?.busyMs).toBeCloseTo(preprocess + infer + postprocess, 2);
  });

  test("has the isolate in the event of a request that it refused", async () => {
    const body = { inputs: [], outputs: [] };
    const headers = { "x-request-id": "refused" };
    const { status } = await service.post("/v2/models/digits-cnn/infer", body, headers);
    expect(status).toBe(400);
    expect((await service.event("refused")).isolate).toMatchObject({ usedBytes: amount });
  });

  test("is in the statistics of the runtime, with all others", async () => {
    for (const name of MODELS) await predict(service, name, `statistics-${name}`);
    const { cells, isolates } = await service.runtime();
    expect(cells).toEqual([]);
    expect(isolates.map(({ model }) => model.name).toSorted()).toEqual(MODELS.toSorted());
    for (const { model, usedBytes, loads, cells: own } of isolates) {
      expect(loads).toBe(1);
      expect(own.flatMap(({ models }) => models.map(({ name }) => name))).toEqual([model.name]);
      const event = await service.event(`statistics-${model.name}`);
      expect(event.isolate?.usedBytes).toBe(usedBytes);
    }
  });

  test("gives the outputs of another engine", async () => {
    const expected = readExpected("digits-cnn");
    const response = await service.post("/v2/models/digits-cnn/infer", { inputs: expected.inputs });
    expectOutputs(response.body, expected);
  });

  test("is not called for what the cache has", async () => {
    const cached = await startAdministeredService({
      vars: { PLACEMENT: "own", CACHE_TIERS: "isolate" },
    });
    try {
      const cache = { enabled: true, ttlSeconds: 600, scope: "public", disclose: true } as const;
      await store(cached.bucket, "plus-one", sum(1), { cache });
      for (const [id, outcome] of [
        ["computed", "miss"],
        ["cached", "hit"],
      ] as const) {
        const inputs = [{ name: "x", datatype: "FP32", shape: [1], data: [1] }];
        const headers = { "x-request-id": id, accept: "application/json" };
        const { body } = await cached.post("/v2/models/plus-one/infer", { inputs }, headers);
        expect(body).toMatchObject({ outputs: [{ data: [2] }] });
        const { cache: report, isolate } = await cached.event(id);
        expect([report?.outcome, isolate !== undefined]).toEqual([outcome, outcome === "miss"]);
      }
    } finally {
      await cached.dispose();
    }
  });

  test("needs no notice about the Worker Loader", () => {
    expect(notices(service)).toEqual([]);
  });
});

describe("without the binding LOADER", () => {
  let service: AdministeredService;

  beforeAll(async () => {
    service = await startAdministeredService({
      models: MODELS,
      vars: { PLACEMENT: "own" },
      withoutBindings: ["LOADER"],
    });
  });

  afterAll(() => service?.dispose());

  test("all models share the isolate, and one line says so", async () => {
    for (const name of MODELS) {
      const { status } = await predict(service, name, `shared-${name}`);
      expect(status).toBe(200);
      expect((await service.event(`shared-${name}`)).isolate).toBeUndefined();
    }
    const expected = readExpected("iris-logistic");
    const inputs = { inputs: expected.inputs };
    expectOutputs((await service.post("/v2/models/iris-logistic/infer", inputs)).body, expected);
    const { cells, isolates } = await service.runtime();
    expect(isolates).toEqual([]);
    const loaded = cells.flatMap(({ models }) => models.map(({ name }) => name));
    expect(loaded.toSorted()).toEqual(MODELS.toSorted());
    expect(notices(service)).toHaveLength(1);
    expect(JSON.parse(notices(service)[0] ?? "")).toMatchObject({
      event: "notice",
      message: expect.stringMatching(
        /^The Worker Loader binding LOADER is missing: all models share/,
      ),
    });
  });

  test("models are published, unloaded and loaded as with it", async () => {
    expect((await service.publish("published", sum(2))).status).toBe(201);
    const inputs = [{ name: "x", datatype: "FP32", shape: [1], data: [1] }];
    const infer = () => service.post("/v2/models/published/infer", { inputs });
    expect(await infer()).toMatchObject({ status: 200, body: { outputs: [{ data: [3] }] } });
    await service.unloadAll();
    expect(await infer()).toMatchObject({ status: 200, body: { outputs: [{ data: [3] }] } });
  });
});
