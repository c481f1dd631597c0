import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { path, product, quotient, sum } from "../support/awkward-models.ts";
import { type HeldService, startHeldService } from "../support/held-storage.ts";
import { findModel, publishAs } from "../support/publish.ts";
import { store } from "../support/stored-model.ts";

/** `GET /v2/models/{model}/ready`, and warm-ups. */

let service: HeldService;

beforeAll(async () => {
  service = await startHeldService();
});

afterAll(() => service?.dispose());

async function loadedModels(): Promise<string[]> {
  const { cells } = await service.runtime();
  return cells.flatMap(({ models }) => models.map(({ name }) => name));
}

describe("ready", () => {
  test("ready loads the model, and reports its name", async () => {
    await store(service.bucket, "eager", sum(1));
    expect(await loadedModels()).not.toContain("eager");
    for (const suffix of ["", "/versions/1"])
      expect(await service.request(`/v2/models/eager${suffix}/ready`)).toMatchObject({
        status: 200,
        body: { name: "eager", ready: true, state: "ready" },
      });
    expect(await loadedModels()).toContain("eager");
  });

  test("ready of an unknown model is 404", async () => {
    expect(await service.request("/v2/models/nobody/ready")).toMatchObject({ status: 404 });
    expect(await service.request("/v2/models/eager/versions/9/ready")).toMatchObject({
      status: 404,
    });
  });

  test("ready does not wait for a slow load", async () => {
    await store(service.bucket, "slow", product(1, 1));
    await service.hold();
    expect(await service.request("/v2/models/slow/ready")).toMatchObject({
      status: 503,
      body: { name: "slow", ready: false, state: "loading" },
    });
    await service.release();
    expect(await service.request("/v2/models/slow/ready")).toMatchObject({ status: 200 });
    // The same load continued meanwhile.
    expect((await service.storage()).reads).toMatchObject({ "models/slow/1/model.onnx": 1 });
  });

  test.each<[what: string, name: string, harm: (name: string) => Promise<unknown>, reason: string]>(
    [
      ["whose file is gone", "gone", (name) => service.bucket.delete(fileOf(name)), "is missing"],
      [
        "whose file is another one",
        "other",
        (name) => service.bucket.put(fileOf(name), "something else"),
        "is not the published one",
      ],
      [
        "that crashes the engine",
        "crashing",
        (name) => store(service.bucket, name, path(6000)),
        "engine crashed while it loaded",
      ],
      [
        "that cannot fit",
        "large",
        (name) =>
          store(service.bucket, name, product(1, 2), {
            runtime: { prepack: true, warmUp: false, heapBytes: 1_000_000_000 },
          }),
        "OWN_ISOLATE_BUDGET_BYTES",
      ],
    ],
  )(
    "ready reports why a model %s is not ready, and retries each time",
    async (_, name, harm, reason) => {
      // Models are identified by their bytes, so each case has its own.
      const graph = sum(name.length + 0.5);
      await store(service.bucket, name, graph);
      await harm(name);
      for (let attempt = 0; attempt < 2; attempt++) {
        const response = await service.request(`/v2/models/${name}/ready`);
        expect(response).toMatchObject({
          status: 503,
          body: { name, ready: false, state: "failed", reason: expect.stringContaining(reason) },
        });
        expect(response.body).toMatchObject({ reason: expect.stringContaining(`model "${name}"`) });
      }
      await store(service.bucket, name, graph);
      expect(await service.request(`/v2/models/${name}/ready`)).toMatchObject({ status: 200 });
    },
  );

  function fileOf(name: string): string {
    return `models/${name}/1/model.onnx`;
  }
});

describe("runtime.warmUp", () => {
  const NAME = "language-identification";
  const model = findModel(NAME);
  const runtime = { ...model.manifest.runtime, warmUp: true };

  async function publishWarm(changes: object = {}): Promise<void> {
    const manifest = { ...model.manifest, runtime, ...changes };
    await publishAs(service.bucket, { ...model, manifest }, manifest);
  }

  test("a warm-up runs the example once, when the model is loaded", async () => {
    await publishWarm();
    expect(await service.request(`/v2/models/${NAME}/ready`)).toMatchObject({ status: 200 });
    // The example's encoding reads the vocabulary, which nothing but a run of it does.
    const { reads } = await service.storage();
    expect(reads).toMatchObject({
      [`models/${NAME}/1/model.onnx`]: 1,
      [`models/${NAME}/1/vocabulary.json`]: 1,
    });
    const response = await service.post(`/models/${NAME}`, {
      inputs: model.manifest.example?.inputs,
      parameters: { top_k: 1 },
    });
    expect(response).toMatchObject({ status: 200, body: [{ label: "eng" }] });
    const event = await service.event(response.headers.get("x-request-id") ?? "");
    expect(event).toMatchObject({ coldStart: false });
    expect((await service.storage()).reads).toEqual(reads);
  });

  test("a warm-up that fails fails the load, until the manifest is corrected", async () => {
    await service.administer(`/models/${NAME}/versions/1`, { method: "DELETE" });
    await publishWarm({ version: "2" });
    await service.bucket.delete(`models/${NAME}/2/vocabulary.json`);
    const ready = await service.request(`/v2/models/${NAME}/ready`);
    expect(ready).toMatchObject({
      status: 503,
      body: { state: "failed", reason: expect.stringContaining("vocabulary.json") },
    });
    await publishWarm({ version: "2" });
    expect(await service.request(`/v2/models/${NAME}/ready`)).toMatchObject({ status: 200 });
  });

  test("a warm-up that crashes the engine is reported", async () => {
    const [a] = quotient.inputs ?? [];
    if (!a) throw new Error("the model has no input");
    await store(
      service.bucket,
      "warm-crash",
      {
        ...quotient,
        inputs: [a],
        nodes: [{ op: "Div", inputs: ["a", "b"], outputs: ["c"] }],
        weights: [{ name: "b", datatype: "INT32", shape: [1], data: Int32Array.of(-1) }],
      },
      {
        task: "tabular-regression",
        preprocess: { type: "array", version: 1, input: "a" },
        postprocess: { type: "regression", version: 1, output: "c" },
        example: { inputs: [-(2 ** 31)], output: [0], tolerance: 0, engine: "none" },
        runtime: { prepack: true, warmUp: true },
      },
    );
    const before = await service.runtime();
    expect(await service.request("/v2/models/warm-crash/ready")).toMatchObject({
      status: 503,
      body: { state: "failed", reason: expect.stringContaining("engine crashed") },
    });
    expect(await service.runtime()).toMatchObject({
      crashes: before.crashes + 1,
      loads: before.loads + 1,
    });
  });
});
