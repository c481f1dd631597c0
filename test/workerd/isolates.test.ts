import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectPath } from "../../scripts/project.ts";
import { type AdministeredService, startAdministeredService } from "../support/administration.ts";
import { ones, PRODUCT_COLUMNS, powers, product } from "../support/awkward-models.ts";
import { findModel, publishAs } from "../support/publish.ts";
import type { TestResponse } from "../support/service.ts";
import { store } from "../support/stored-model.ts";

/** Where models run, by their placement, and what that changes for their neighbours. */

const MIB = 1_048_576;
/** Elements of a tensor for which 96 MiB of WebAssembly memory are too little, and 104 MiB are enough. */
const LARGE_INPUT = [22_800_000];

let service: AdministeredService;

beforeAll(async () => {
  service = await startAdministeredService({
    models: ["iris-logistic", "imagenet-classification", "sentence-embeddings"],
    vars: { MAX_IN_FLIGHT: "4" },
  });
});

afterAll(() => service?.dispose());

interface Places {
  readonly shared: string[];
  readonly own: string[];
}

async function places(): Promise<Places> {
  const { cells, isolates } = await service.runtime();
  return {
    shared: cells.flatMap(({ models }) => models.map(({ name }) => name)),
    own: isolates.map(({ model }) => model.name),
  };
}

/** Of the best class; `undefined` where the request failed. */
function firstLabel({ body }: TestResponse): string | undefined {
  return (body as readonly { label: string }[])[0]?.label;
}

function inferOnes(name: string, shape: readonly number[]): Promise<TestResponse> {
  const inputs = [{ name: "s", datatype: "INT64", shape: [shape.length], data: shape }];
  return service.post(`/v2/models/${name}/infer`, { inputs });
}

function inferProduct(name: string, version = "1"): Promise<TestResponse> {
  const data = Array.from({ length: PRODUCT_COLUMNS }, () => 1);
  const inputs = [{ name: "x", datatype: "FP32", shape: [1, PRODUCT_COLUMNS], data }];
  return service.post(`/v2/models/${name}/versions/${version}/infer`, { inputs });
}

describe("with the placement auto", () => {
  test("large models have isolates of their own, small ones share one, and nobody is evicted", async () => {
    const photograph = readFileSync(projectPath("test", "fixtures", "images", "coffee.jpg"));
    const classify = () =>
      service.request("/models/imagenet-classification", {
        method: "POST",
        headers: { "content-type": "image/jpeg" },
        body: photograph,
      });
    const embed = () => service.post("/models/sentence-embeddings", { inputs: "A cup of coffee." });
    const iris = () => service.post("/models/iris-logistic", { inputs: [5.1, 3.5, 1.4, 0.2] });
    for (let round = 0; round < 3; round++) {
      // The class that ONNX Runtime for Python gives as well; see the model's card.
      expect(firstLabel(await classify())).toBe("espresso");
      expect(await embed()).toMatchObject({ status: 200 });
      expect(firstLabel(await iris())).toBe("setosa");
    }
    expect(await places()).toMatchObject({
      shared: ["iris-logistic"],
      own: ["imagenet-classification", "sentence-embeddings"],
    });
    const { evictions, isolates } = await service.runtime();
    expect(evictions).toBe(0);
    for (const { loads, evictions, budgetBytes, usedBytes } of isolates) {
      expect({ loads, evictions, budgetBytes }).toEqual({
        loads: 1,
        evictions: 0,
        budgetBytes: 104 * MIB,
      });
      expect(usedBytes).toBeGreaterThan(16 * MIB);
    }
  });

  test("an input that is too large for the shared memory is served in an isolate, and evicts no other model", async () => {
    await store(service.bucket, "small", product(1, 0));
    await store(service.bucket, "growing", ones);
    expect(await inferProduct("small")).toMatchObject({ status: 200 });
    expect(await inferOnes("growing", [3])).toMatchObject({ body: { outputs: [{ data: [3] }] } });
    expect((await places()).shared).toContain("growing");

    const response = await inferOnes("growing", LARGE_INPUT);
    // FP32 counts in ones up to 2^24.
    expect(response).toMatchObject({ status: 200, body: { outputs: [{ data: [2 ** 24] }] } });
    const after = await places();
    expect(after.own).toContain("growing");
    expect(after.shared).toContain("small");
  });

  test("unloading a model frees its isolate, and its next request gets another one", async () => {
    const embed = () => service.post("/models/sentence-embeddings", { inputs: "Once more." });
    const { body } = await embed();
    const path = "/v2/repository/models/sentence-embeddings/unload";
    const headers = { authorization: "Bearer a-key-for-tests" };
    expect(await service.request(path, { method: "POST", headers })).toMatchObject({ status: 200 });
    expect((await places()).own).not.toContain("sentence-embeddings");
    const again = await embed();
    expect(again.body).toEqual(body);
    const event = await service.event(again.headers.get("x-request-id") ?? "");
    expect(event).toMatchObject({ coldStart: true, isolate: { isFirst: true } });
  });
});

describe("the placement of a manifest", () => {
  test("own gives a small model an isolate, which versions with the same file share", async () => {
    const runtime = { prepack: true, warmUp: false, placement: "own" } as const;
    const graph = product(1, 5);
    await store(service.bucket, "apart", graph, { runtime });
    await store(service.bucket, "apart", graph, { runtime, version: "2" });
    const [first, second] = [await inferProduct("apart"), await inferProduct("apart", "2")];
    expect(first).toMatchObject({ status: 200, body: { model_version: "1" } });
    expect(second).toMatchObject({ status: 200, body: { model_version: "2" } });
    const { isolates } = await service.runtime();
    const own = isolates.filter(({ model }) => model.name === "apart");
    expect(own).toMatchObject([{ loads: 1, cells: [{ models: [{ name: "apart" }] }] }]);
  });

  test("shared keeps a large model in the shared memory", async () => {
    const model = findModel("imagenet-classification");
    const runtime = { ...model.manifest.runtime, placement: "shared" as const };
    const manifest = { ...model.manifest, runtime };
    await publishAs(
      service.bucket,
      { ...model, manifest },
      { name: "beside-others", version: "1" },
    );
    const input = readFileSync(projectPath("test", "fixtures", "images", "coffee.jpg"));
    const response = await service.request("/models/beside-others", {
      method: "POST",
      headers: { "content-type": "image/jpeg" },
      body: input,
    });
    expect(firstLabel(response)).toBe("espresso");
    expect((await places()).shared).toContain("beside-others");
  });
});

describe("a model with an isolate of its own", () => {
  test("has its own limit of requests in flight: a light model is not refused beside it", async () => {
    const runtime = { prepack: true, warmUp: false, placement: "own" } as const;
    await store(service.bucket, "heavy", powers(40), { runtime });
    const run = (data: number): Promise<TestResponse> =>
      service.post("/v2/models/heavy/infer", {
        inputs: [{ name: "x", datatype: "FP32", shape: [1], data: [data] }],
      });
    const iris = () => service.post("/models/iris-logistic", { inputs: [5.1, 3.5, 1.4, 0.2] });
    expect(await run(1)).toMatchObject({ status: 200 });
    const heavy = Array.from({ length: 12 }, (_, index) => run(index + 2));
    await Promise.any(heavy);
    const light = await Promise.all(Array.from({ length: 4 }, iris));
    expect(light.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(await service.request("/v2/health/live")).toMatchObject({ status: 200 });
    const statuses = (await Promise.all(heavy)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(4);
    expect(statuses.every((status) => status === 200 || status === 429)).toBe(true);
  });
});
