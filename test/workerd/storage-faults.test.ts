import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readModelFile } from "../../packages/cli/src/local/model-folder.ts";
import { fileKey, manifestKey } from "../../src/storage/model-keys.ts";
import { findModel, restore } from "../support/publish.ts";
import { type Service, startService, type TestResponse } from "../support/service.ts";
import { expectOutputs, readExpected } from "../support/tensors.ts";

/**
 * What happens when the bucket is not as it was published, and that the next request after it was
 * restored succeeds. Each test uses a model that no other test loads.
 */

let service: Service;

beforeAll(async () => {
  service = await startService({
    models: [
      "breast-cancer-mlp",
      "breast-cancer-svm",
      "diabetes-linear",
      "diabetes-ridge",
      "iris-kmeans",
      "iris-logistic",
      "language-identification",
      "wine-decision-tree",
      "wine-naive-bayes",
    ],
  });
});

afterAll(() => service?.dispose());

function infer(name: string): Promise<TestResponse> {
  return service.post(`/v2/models/${name}/infer`, { inputs: readExpected(name).inputs });
}

async function expectServed(name: string): Promise<void> {
  const response = await infer(name);
  expect(response.status).toBe(200);
  expectOutputs(response.body, readExpected(name));
}

function expectFault(response: TestResponse, code: string, status: number, message: string): void {
  expect(response).toMatchObject({
    status,
    body: { code, error: expect.stringContaining(message) },
  });
}

function putFile(name: string, path: string, content: Uint8Array | string): Promise<unknown> {
  return service.bucket.put(fileKey(findModel(name).manifest, path), content);
}

describe("a model file", () => {
  test("a missing model file is reported with name and version, until it is restored", async () => {
    const name = "diabetes-linear";
    const missing = `model.onnx of model "${name}" version 1 is missing from object storage`;
    await service.bucket.delete(`models/${name}/1/model.onnx`);
    for (let attempt = 0; attempt < 2; attempt++) {
      const response = await infer(name);
      expectFault(response, "model_missing", 503, missing);
      expect(response.body).toMatchObject({
        details: { model: name, version: "1", file: "model.onnx" },
      });
    }
    const ready = await service.request(`/v2/models/${name}/ready`);
    expect(ready).toMatchObject({ status: 503, body: { name, ready: false } });
    await restore(service.bucket, name, "model.onnx");
    await expectServed(name);
    expect(await service.request(`/v2/models/${name}/ready`)).toMatchObject({ status: 200 });
  });

  test("a model file with one bit flipped is not run", async () => {
    const name = "diabetes-ridge";
    const bytes = Buffer.from(readModelFile(findModel(name), "model.onnx"));
    const middle = Math.floor(bytes.length / 2);
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    const digest = createHash("sha256").update(bytes).digest("hex");
    await putFile(name, "model.onnx", bytes);
    const response = await infer(name);
    expectFault(response, "model_corrupt", 503, `model "${name}" version 1`);
    expectFault(response, "model_corrupt", 503, `its SHA-256 is ${digest} instead of`);
    await restore(service.bucket, name, "model.onnx");
    await expectServed(name);
  });

  test.each([
    ["breaks off", "iris-kmeans", (bytes: Buffer) => bytes.subarray(0, -1)],
    ["is empty", "iris-logistic", () => Buffer.alloc(0)],
    ["goes on", "wine-decision-tree", (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(1)])],
  ])("a model file that %s is not run", async (_, name, change) => {
    const bytes = readModelFile(findModel(name), "model.onnx");
    const changed = change(bytes);
    await putFile(name, "model.onnx", changed);
    const message = `is ${changed.length} bytes long instead of ${bytes.length}`;
    expectFault(await infer(name), "model_corrupt", 503, message);
    await restore(service.bucket, name, "model.onnx");
    await expectServed(name);
  });

  test("a file that is not a model is refused with the engine's reason", async () => {
    const name = "not-a-model";
    const bytes = Buffer.from("this is no ONNX model, but it is what was published");
    const { manifest } = findModel("iris-kmeans");
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const files = [{ path: "model.onnx", sha256, sizeBytes: bytes.length }];
    await service.bucket.put(`models/${name}/1/model.onnx`, bytes);
    await service.bucket.put(
      `models/${name}/1/manifest.json`,
      JSON.stringify({ ...manifest, name, files }),
    );
    const { inputs } = readExpected("iris-kmeans");
    const response = await service.post(`/v2/models/${name}/infer`, { inputs });
    expectFault(
      response,
      "model_load_failed",
      503,
      `model "${name}" version 1 could not be loaded`,
    );
    expectFault(response, "model_load_failed", 503, "protobuf parsing failed");
  });

  test("a missing file of a loaded model has no effect", async () => {
    await expectServed("breast-cancer-mlp");
    await service.bucket.delete("models/breast-cancer-mlp/1/model.onnx");
    await expectServed("breast-cancer-mlp");
  });
});

describe("a manifest", () => {
  const name = "wine-naive-bayes";
  const { manifest } = findModel(name);

  test.each<[what: string, content: string, code: string, message: string]>([
    ["is no JSON", "{nope", "model_corrupt", "is not JSON"],
    ["is empty", "", "model_corrupt", "is not JSON"],
    ["is another thing", "[]", "model_corrupt", "is not valid"],
    [
      "misses fields",
      JSON.stringify({ ...manifest, files: undefined }),
      "model_corrupt",
      "is not valid",
    ],
    [
      "is of another model",
      JSON.stringify({ ...manifest, name: "other" }),
      "model_corrupt",
      'belongs to model "other" version 1',
    ],
    [
      "is of another version",
      JSON.stringify({ ...manifest, version: "2" }),
      "model_corrupt",
      "version 2",
    ],
  ])(
    "a manifest that %s fails its version, until it is restored",
    async (_, content, code, message) => {
      await putFile(name, "manifest.json", content);
      for (const response of [await infer(name), await service.request(`/v2/models/${name}`)]) {
        expectFault(response, code, 503, `The manifest of model "${name}" version 1`);
        expectFault(response, code, 503, message);
      }
      await restore(service.bucket, name, "manifest.json");
      await expectServed(name);
    },
  );

  test("a manifest that contradicts its model is refused with both declarations", async () => {
    const { manifest: truth } = findModel("breast-cancer-svm");
    const inputs = truth.inputs.map((spec) => ({ ...spec, name: "columns" }));
    const preprocess = { ...truth.preprocess, input: "columns" };
    await service.bucket.put(manifestKey(truth), JSON.stringify({ ...truth, inputs, preprocess }));
    const [first] = readExpected(truth.name).inputs;
    const response = await service.post(`/v2/models/${truth.name}/infer`, {
      inputs: [{ ...first, name: "columns" }],
    });
    expectFault(response, "model_corrupt", 503, 'declares the inputs "columns" (FP32 [batch, 30])');
    expectFault(response, "model_corrupt", 503, 'the model has "features" (FP32 [batch, 30])');
    await restore(service.bucket, truth.name, "manifest.json");
    await expectServed(truth.name);
  });
});

describe("an asset", () => {
  const name = "language-identification";
  const vocabulary = readModelFile(findModel(name), "vocabulary.json");
  const inferAgain = (): Promise<TestResponse> =>
    service.post(`/models/${name}`, {
      inputs: findModel(name).manifest.example?.inputs,
      parameters: { top_k: 1 },
    });

  function expectProblem(response: TestResponse, code: string, message: string): void {
    expect(response).toMatchObject({
      status: 503,
      body: { code, detail: expect.stringContaining(message) },
    });
    expect(response.body).toMatchObject({
      details: { model: name, version: "1", file: "vocabulary.json" },
    });
  }

  test("a missing asset fails only the task API, with its name, until it is restored", async () => {
    const missing = `vocabulary.json of model "${name}" version 1 is missing`;
    await service.bucket.delete(`models/${name}/1/vocabulary.json`);
    expectProblem(await inferAgain(), "model_missing", missing);
    await expectServed(name);

    const changed = vocabulary.toString().replace('"a"', '"å"').slice(0, -1);
    await putFile(name, "vocabulary.json", changed);
    expect(Buffer.byteLength(changed)).toBe(vocabulary.length);
    expectProblem(await inferAgain(), "model_corrupt", "its SHA-256 is");

    await putFile(name, "vocabulary.json", vocabulary.subarray(0, -10));
    const shorter = `it is ${vocabulary.length - 10} bytes long instead of ${vocabulary.length}`;
    expectProblem(await inferAgain(), "model_corrupt", shorter);

    await restore(service.bucket, name, "vocabulary.json");
    const response = await inferAgain();
    expect(response).toMatchObject({ status: 200, body: [{ label: "eng" }] });
  });
});
