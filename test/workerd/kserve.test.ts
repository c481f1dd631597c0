import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { manifestKey } from "../../src/storage/model-keys.ts";
import { type AdministeredService, startAdministeredService } from "../support/administration.ts";
import { findModel } from "../support/publish.ts";
import { expectClose, nest, readExpected } from "../support/tensors.ts";

/** KServe's v1 protocol and TensorFlow Serving's API in workerd, and lists of many models in simulated R2. */

const MODEL = "iris-logistic";
const { inputs, outputs, tolerance } = readExpected(MODEL);
const [features] = inputs;
const label = outputs.find(({ name }) => name === "label");
const probabilities = outputs.find(({ name }) => name === "probabilities");
if (!features || !label || !probabilities) throw new Error("the fixture has other tensors");
const rows = nest(features.data, features.shape);

let service: AdministeredService;

beforeAll(async () => {
  service = await startAdministeredService({
    models: [MODEL],
    vars: { CACHE_TIERS: "isolate", CATALOG_TTL_SECONDS: "10" },
  });
});

afterAll(() => service?.dispose());

describe("predict", () => {
  test("predictions of instances are scikit-learn's", async () => {
    const { status, body } = await service.post(`/v1/models/${MODEL}:predict`, { instances: rows });
    expect(status).toBe(200);
    const { predictions } = body as { predictions: { label: number; probabilities: number[] }[] };
    expect(predictions.map((prediction) => prediction.label)).toEqual(label.data);
    expectClose(
      predictions.flatMap((prediction) => prediction.probabilities),
      probabilities.data,
      tolerance.probabilities ?? 0,
    );
  });

  test("outputs of columns are the same", async () => {
    const { status, body } = await service.post(`/v1/models/${MODEL}/versions/1:predict`, {
      inputs: { features: rows },
    });
    expect(status).toBe(200);
    const { outputs: returned } = body as {
      outputs: { label: number[]; probabilities: number[][] };
    };
    expect(returned.label).toEqual(label.data);
    expectClose(returned.probabilities.flat(), probabilities.data, tolerance.probabilities ?? 0);
  });

  test("a repeated request is answered from the cache, and has an entity tag", async () => {
    const request = { instances: [[1, 2, 3, 4]] };
    const first = await service.post(`/v1/models/${MODEL}:predict`, request);
    const second = await service.post(`/v1/models/${MODEL}:predict`, request);
    expect(second.headers.get("cache-status")).toContain("hit");
    expect(second.body).toEqual(first.body);
    const etag = second.headers.get("etag") ?? "";
    const third = await service.post(`/v1/models/${MODEL}:predict`, request, {
      "if-none-match": etag,
    });
    expect(third.status).toBe(304);
  });

  test("a model without instances as dimension 0 of its outputs refuses the row format", async () => {
    const published = await service.publish("mean", {
      inputs: [{ name: "x", datatype: "FP32", shape: ["rows", 2] }],
      outputs: [{ name: "m", datatype: "FP32", shape: [1, 1] }],
      nodes: [{ op: "ReduceMean", inputs: ["x"], outputs: ["m"] }],
    });
    expect(published.status).toBe(201);
    const x = [
      [1, 2],
      [3, 6],
    ];
    expect(await service.post("/v1/models/mean:predict", { instances: x })).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('Output "m" has the shape [1, 1]') },
    });
    expect(await service.post("/v1/models/mean:predict", { inputs: x })).toMatchObject({
      status: 200,
      body: { outputs: [[3]] },
    });
  });
});

test("a model that was just published is served though its name was unknown before", async () => {
  const path = "/v1/models/late:predict";
  expect(await service.post(path, { instances: [1] })).toMatchObject({ status: 404 });
  await service.publish("late", {
    inputs: [{ name: "x", datatype: "FP32", shape: ["rows"] }],
    outputs: [{ name: "y", datatype: "FP32", shape: ["rows"] }],
    nodes: [{ op: "Neg", inputs: ["x"], outputs: ["y"] }],
  });
  expect(await service.post(path, { instances: [1.5, 2] })).toMatchObject({
    status: 200,
    body: { predictions: [-1.5, -2] },
  });
});

describe("lists of 1,200 models", () => {
  const COUNT = 1200;
  const names = Array.from({ length: COUNT }, (_, i) => `many-${String(i).padStart(4, "0")}`);
  const CORRUPT = "many-0003";
  let many: AdministeredService;

  beforeAll(async () => {
    many = await startAdministeredService({ vars: { CATALOG_TTL_SECONDS: "10" } });
    const { manifest } = findModel(MODEL);
    const put = async (from: number): Promise<void> => {
      for (let index = from; index < COUNT; index += 20) {
        const name = names[index] ?? "";
        const text = name === CORRUPT ? "{nope" : JSON.stringify({ ...manifest, name });
        await many.bucket.put(manifestKey({ name, version: "1" }), text);
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, from) => put(from)));
  });

  afterAll(() => many?.dispose());

  test("every list has each model, an invalid one too", async () => {
    const openAi = await many.request("/v1/models");
    expect(openAi).toMatchObject({ status: 200, body: { models: names } });
    const created = (openAi.body as { data: { created: number }[] }).data[0]?.created;
    expect(created).toBe(Date.parse(findModel(MODEL).manifest.createdAt) / 1000);
    expect(await many.request("/v2/models")).toMatchObject({ body: { models: names } });
    const index = (await many.request("/v2/repository/index", { method: "POST" })).body as {
      name: string;
      state: string;
    }[];
    expect(index.map(({ name }) => name)).toEqual(names);
    expect(index.filter(({ state }) => state !== "READY")).toMatchObject([
      { name: CORRUPT, state: "UNAVAILABLE", reason: expect.stringContaining("is not JSON") },
    ]);
    const { models } = (await many.administer("/models")).body as { models: object[] };
    expect(models).toHaveLength(COUNT);
  });

  test("many unknown names are refused, and a known one is served", async () => {
    for (let index = 0; index < 60; index++) {
      const name = createHash("sha256").update(String(index)).digest("hex").slice(0, 20);
      expect(await many.request(`/v2/models/${name}`)).toMatchObject({ status: 404 });
    }
    expect(await many.request("/v2/models/many-0900")).toMatchObject({ status: 200 });
  });
});
