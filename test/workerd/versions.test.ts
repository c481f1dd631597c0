import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findModel, publishAs } from "../support/publish.ts";
import { type Service, startService } from "../support/service.ts";
import { expectOutputs, readExpected } from "../support/tensors.ts";

/** New versions in the bucket of a running service, whose listings expire soon. */

let service: Service;

beforeAll(async () => {
  service = await startService({ models: [] });
});

afterAll(() => service?.dispose());

/** Version 1 of "flowers" classifies species, 9 and 10 find clusters, from the same measurements. */
const species = readExpected("iris-logistic");
const clusters = readExpected("iris-kmeans");

describe("a model with versions 1, 9 and 10", () => {
  beforeAll(async () => {
    const { bucket } = service;
    await publishAs(bucket, findModel("iris-logistic"), { name: "flowers", version: "1" });
    await service.post("/v2/models/flowers/infer", { inputs: species.inputs });
    await publishAs(bucket, findModel("iris-logistic"), { name: "flowers", version: "9" });
    await publishAs(bucket, findModel("iris-kmeans"), { name: "flowers", version: "10" });
  });

  test.each([
    ["/v2/models/flowers/infer", "10", clusters],
    ["/v2/models/flowers/versions/10/infer", "10", clusters],
    ["/v2/models/flowers/versions/9/infer", "9", species],
    ["/v2/models/flowers/versions/1/infer", "1", species],
  ])("POST %s uses version %s", async (path, version, expected) => {
    const response = await service.post(path, { inputs: expected.inputs });
    expect(response.headers.get("x-model-version")).toBe(version);
    expect(response.body).toMatchObject({ model_name: "flowers", model_version: version });
    expectOutputs(response.body, expected);
  });

  test("the task API uses the requested version", async () => {
    const inputs = [5.1, 3.5, 1.4, 0.2];
    const newest = await service.post("/models/flowers", { inputs });
    expect(newest.headers.get("x-model-version")).toBe("10");
    expect(newest.body).toMatchObject([
      { label: "0", distance: expect.closeTo(0.163956, 4) },
      {},
      {},
    ]);
    const first = await service.post("/models/flowers/versions/1", { inputs });
    expect(first.headers.get("x-model-version")).toBe("1");
    expect(first.body).toMatchObject([
      { label: "setosa", score: expect.closeTo(0.976807, 5) },
      {},
      {},
    ]);
  });

  test("OpenAI's routes use the version after the name", async () => {
    const retrieve = (reference: string) => service.request(`/v1/models/${reference}`);
    expect((await retrieve("flowers")).headers.get("x-model-version")).toBe("10");
    for (const reference of ["flowers@9", "flowers%409"])
      expect(await retrieve(reference)).toMatchObject({
        status: 200,
        body: { id: "flowers@9", name: "flowers", ready: true },
      });
    expect((await retrieve("flowers@1")).headers.get("x-model-version")).toBe("1");
    const requests = {
      "/v1/embeddings": { input: "a" },
      "/v1/completions": { prompt: "a" },
      "/v1/chat/completions": { messages: [{ role: "user", content: "a" }] },
    };
    for (const [path, request] of Object.entries(requests)) {
      const newest = await service.post(path, { ...request, model: "flowers" });
      expect(newest.body).toMatchObject({
        error: { message: expect.stringContaining("clustering") },
      });
      const first = await service.post(path, { ...request, model: "flowers@1" });
      expect(first.headers.get("x-model-version")).toBe("1");
      expect(first).toMatchObject({
        status: 400,
        body: { error: { param: "model", message: expect.stringContaining("classification") } },
      });
      const missing = {
        "flowers@7": "version_not_found",
        "flowers@latest": "alias_not_found",
        "flowers@": "alias_not_found",
      };
      for (const [reference, code] of Object.entries(missing))
        expect(await service.post(path, { ...request, model: reference })).toMatchObject({
          status: 404,
          body: { error: { code, param: "model" } },
        });
    }
  });

  test("the metadata lists the versions, oldest first", async () => {
    const { body } = await service.request("/v2/models/flowers");
    expect(body).toMatchObject({ versions: ["1", "9", "10"] });
  });

  test("the error for an unknown version names the existing ones", async () => {
    const response = await service.post("/v2/models/flowers/versions/2/infer", species);
    expect(response).toMatchObject({
      status: 404,
      body: {
        error: 'Model "flowers" has no version 2: its versions are 10, 9, 1.',
        code: "version_not_found",
        details: { versions: ["10", "9", "1"] },
      },
    });
  });
});

test("a version exists as long as its manifest does", async () => {
  const { bucket } = service;
  const id = { name: "growing", version: "1" };
  const versions = async (): Promise<unknown> => (await service.request("/v2/models/growing")).body;
  await publishAs(bucket, findModel("iris-logistic"), id);
  await bucket.put("models/growing/2/model.onnx", "uploaded, not published");
  expect(await versions()).toMatchObject({ versions: ["1"] });
  await publishAs(bucket, findModel("iris-kmeans"), { ...id, version: "2" });
  expect(await versions()).toMatchObject({ versions: ["1", "2"] });
  await bucket.delete("models/growing/2/manifest.json");
  expect(await versions()).toMatchObject({ versions: ["1"] });
  const response = await service.post("/v2/models/growing/infer", { inputs: species.inputs });
  expectOutputs(response.body, species);
  await bucket.delete("models/growing/1/manifest.json");
  expect(await versions()).toMatchObject({ code: "model_not_found" });
});

test("a listing is used for CATALOG_TTL_SECONDS", async () => {
  const patient = await startService({
    vars: { CATALOG_TTL_SECONDS: "3600" },
    models: ["iris-logistic"],
  });
  try {
    await patient.request("/v2/models/iris-logistic");
    const model = findModel("iris-kmeans");
    await publishAs(patient.bucket, model, { name: "iris-logistic", version: "2" });
    const { headers } = await patient.request("/v2/models/iris-logistic");
    expect(headers.get("x-model-version")).toBe("1");
  } finally {
    await patient.dispose();
  }
});
