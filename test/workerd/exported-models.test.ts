import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seedModels } from "../../packages/cli/src/local/seed.ts";
import type { Manifest } from "../../src/domain/manifest.ts";
import { type AdministeredService, startAdministeredService } from "../support/administration.ts";
import {
  EXPORTS,
  type ExpectedRun,
  expectedRuns,
  readExport,
  sha256Of,
  toInferInputs,
  toTensors,
} from "../support/exported-models.ts";
import type { TestResponse } from "../support/service.ts";

/** Files of exporters, published as they are and compared with Python's ONNX Runtime. */

/** Another build of the engine adds in another order. */
const TOLERANCE = 1e-6;

let service: AdministeredService;

beforeAll(async () => {
  service = await startAdministeredService();
});

afterAll(() => service?.dispose());

async function publish(name: string): Promise<Manifest> {
  const response = await service.publish(name, readExport(`${name}.onnx`));
  expect(response).toMatchObject({ status: 201 });
  return response.body as Manifest;
}

function sendFile(
  name: string,
  path: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<TestResponse> {
  return service.administer(`/models/${name}/versions/1/files/${encodeURIComponent(path)}`, {
    method: "PUT",
    body: bytes,
  });
}

async function expectRuns(name: string, { inputs: specs }: Manifest): Promise<void> {
  for (const run of expectedRuns(name)) {
    const inputs = toInferInputs(run, specs);
    const response = await service.post(`/v2/models/${name}/infer`, { inputs });
    expect(response).toMatchObject({ status: 200 });
    const { outputs } = response.body as {
      outputs: { name: string; shape: number[]; data: unknown[] }[];
    };
    const tensors = Object.entries(toTensors(run));
    expect(outputs.map((output) => output.name)).toEqual(tensors.map(([name]) => name));
    for (const [index, [, { shape, values }]] of tensors.entries()) {
      expect(outputs[index]?.shape).toEqual(shape);
      expect(outputs[index]?.data).toEqual(
        values.map((value) =>
          typeof value === "number" ? expect.closeTo(value, -Math.log10(TOLERANCE)) : value,
        ),
      );
    }
  }
}

const SPECIES = ["setosa", "versicolor", "virginica"];

describe("a ZipMap at the end", () => {
  test.each<[string, string[]]>([
    ["sklearn-logistic", SPECIES],
    ["sklearn-forest", ["5", "6", "7"]],
    ["sklearn-columns", ["died", "survived"]],
    ["lightgbm", ["0", "1", "2"]],
    ["catboost", ["0", "1", "2"]],
  ])("of %s is replaced by its input, and its classes become the labels", async (name, labels) => {
    const manifest = await publish(name);
    const sent = readExport(`${name}.onnx`);
    expect(manifest).toMatchObject({
      labels,
      original: { sha256: sha256Of(sent), sizeBytes: sent.byteLength, changes: ["zipmap"] },
    });
    const { datatype, shape } = manifest.outputs[1] ?? {};
    expect([datatype, shape?.length, shape?.[1]]).toEqual(["FP32", 2, labels.length]);
    await expectRuns(name, manifest);
  });

  test("is replaced where there are two, one of them beside its input", async () => {
    const manifest = await publish("zipmaps");
    expect(manifest.labels).toBeUndefined();
    await expectRuns("zipmaps", manifest);
  });

  test("gives its labels to the classification extension", async () => {
    const [run] = expectedRuns("sklearn-logistic");
    const inputs = run && toInferInputs(run, [{ name: "X", datatype: "FP32", shape: [] }]);
    const outputs = [{ name: "output_probability", parameters: { classification: 1 } }];
    const response = await service.post("/v2/models/sklearn-logistic/infer", { inputs, outputs });
    const { data } = (response.body as { outputs: { data: string[] }[] }).outputs[0] ?? {};
    expect(data?.map((text) => text.split(":").slice(1))).toEqual([
      ["0", "setosa"],
      ["1", "versicolor"],
      ["2", "virginica"],
    ]);
  });
});

test.each<[string, string[]]>([
  ["label-encoder", ["a", "b", "c"]],
  ["sklearn-bayes-without-zipmap", SPECIES],
])("the labels of %s come from its graph, which stays as it is", async (name, labels) => {
  const manifest = await publish(name);
  expect(manifest.labels).toEqual(labels);
  expect(manifest.original).toBeUndefined();
  expect(manifest.files[0]?.sha256).toBe(sha256Of(readExport(`${name}.onnx`)));
  await expectRuns(name, manifest);
});

describe("an initializer that is an input", () => {
  test("may be given, and has its default otherwise", async () => {
    const manifest = await publish("overridable");
    expect(manifest.inputs).toEqual([
      { name: "x", datatype: "FP32", shape: ["n"] },
      { name: "scale", datatype: "FP32", shape: [], optional: true },
      { name: "bias", datatype: "FP32", shape: ["m"], optional: true },
      { name: "count", datatype: "INT64", shape: [1], optional: true },
    ]);
    await expectRuns("overridable", manifest);
  });

  test("is optional in the metadata and in the configuration", async () => {
    const { body: metadata } = await service.request("/v2/models/overridable");
    expect(metadata).toMatchObject({
      inputs: [
        { name: "x", parameters: { dimension_0: "n" } },
        { name: "scale", parameters: { optional: true } },
        { name: "bias", parameters: { dimension_0: "m", optional: true } },
        { name: "count" },
      ],
    });
    const { body: config } = await service.request("/v2/models/overridable/config");
    expect(config).toMatchObject({
      input: [{ name: "x" }, { name: "scale", optional: true }, { optional: true }, {}],
    });
  });

  test("is checked as other inputs are, and what is not given is not missed", async () => {
    const send = (inputs: object[]): Promise<TestResponse> =>
      service.post("/v2/models/overridable/infer", { inputs });
    const x = { name: "x", datatype: "FP32", shape: [2], data: [1, 2] };
    const scale = { name: "scale", datatype: "FP32", shape: [], data: [10] };
    expect(await send([scale])).toMatchObject({
      status: 400,
      body: {
        error: expect.stringMatching(/^Missing input "x": .*"scale" \(FP32 \[\], optional\)/),
      },
    });
    expect(await send([x, { ...scale, datatype: "INT64" }])).toMatchObject({ status: 400 });
    expect(await send([x, scale, scale])).toMatchObject({ status: 400 });
    expect(await send([x, { ...scale, name: "zero" }])).toMatchObject({ status: 400 });
  });

  test("needs no name of the other input in KServe's version 1", async () => {
    const path = "/v1/models/overridable:predict";
    expect(await service.post(path, { instances: [1, 2] })).toMatchObject({
      status: 200,
      body: { predictions: [3.5, 7.5] },
    });
  });

  test("of a format in which it cannot be given is not listed", async () => {
    const manifest = await publish("weights-as-inputs");
    expect(manifest.inputs).toEqual([{ name: "x", datatype: "FP32", shape: [2] }]);
    await expectRuns("weights-as-inputs", manifest);
  });
});

describe("weights in other files", () => {
  test("are asked for, and become part of the model", async () => {
    const model = readExport("external.onnx");
    expect(await service.publish("external", model)).toMatchObject({
      status: 400,
      body: {
        code: "invalid_model",
        detail: expect.stringMatching(
          /its weights are in 2 other files, and "[a-z/]+\.bin" has not been sent\. Send it with PUT \/admin\/models\/external\/versions\/1\/files\/\S+, then the model again/,
        ),
      },
    });
    for (const path of ["parts/inner.bin", "weights.bin"])
      expect(await sendFile("external", path, readExport(path))).toMatchObject({
        status: 201,
        body: {
          file: { name: "external", version: "1", path, sizeBytes: readExport(path).length },
        },
      });
    const manifest = await publish("external");
    expect(manifest).toMatchObject({
      original: { sha256: sha256Of(model), changes: ["external-data"] },
    });
    expect(manifest.files).toHaveLength(1);
    await expectRuns("external", manifest);
    const keys = (await service.bucket.list()).objects.map(({ key }) => key);
    expect(keys.filter((key) => key.includes("external/"))).toEqual([
      `models/external/1/${manifest.file}`,
      "models/external/1/manifest.json",
    ]);
  });

  test("that end too soon are refused", async () => {
    await sendFile("too-short", "parts/inner.bin", readExport("parts/inner.bin").slice(0, 20));
    await sendFile("too-short", "weights.bin", readExport("weights.bin"));
    expect(await service.publish("too-short", readExport("external.onnx"))).toMatchObject({
      status: 400,
      body: {
        code: "invalid_model",
        detail: `model "too-short" version 1 cannot be published: its tensor "inner" ends at byte 28 of the file "parts/inner.bin", which has 20 bytes.`,
      },
    });
  });

  test("are refused for a version that exists, and under a path that leaves its folder", async () => {
    expect(await sendFile("external", "weights.bin", Uint8Array.of(1))).toMatchObject({
      status: 409,
      body: { code: "version_exists" },
    });
    for (const path of ["../weights.bin", "/weights.bin", "a//b", "a\\b", "a/.."])
      expect(await sendFile("unnamed", path, Uint8Array.of(1))).toMatchObject({
        status: 400,
        body: { code: "invalid_request" },
      });
  });

  test("of a version that was put into storage by other means are named when it is loaded", async () => {
    const id = { name: "put-by-hand", version: "1" };
    const bytes = readExport("external.onnx");
    const file = { path: "model.onnx", sha256: sha256Of(bytes), sizeBytes: bytes.byteLength };
    await service.bucket.put("models/put-by-hand/1/model.onnx", bytes);
    await service.bucket.put(
      "models/put-by-hand/1/manifest.json",
      JSON.stringify({
        ...id,
        schemaVersion: 1,
        format: "onnx",
        file: file.path,
        files: [file],
        inputs: [{ name: "x", datatype: "FP32", shape: [4] }],
        outputs: [{ name: "y", datatype: "FP32", shape: [4] }],
        createdAt: "2026-11-30T00:00:00Z",
      }),
    );
    const inputs = [{ name: "x", datatype: "FP32", shape: [4], data: [1, 2, 3, 4] }];
    expect(await service.post("/v2/models/put-by-hand/infer", { inputs })).toMatchObject({
      status: 503,
      body: { error: expect.stringContaining("its weights are in another file, and the engine") },
    });
  });

  test("are deleted with their version", async () => {
    await sendFile("abandoned", "weights.bin", Uint8Array.of(1));
    await service.publish("abandoned", readExport("label-encoder.onnx"));
    await sendFile("abandoned-2", "weights.bin", Uint8Array.of(1));
    const keys = (await service.bucket.list({ prefix: "uploads/abandoned/" })).objects;
    expect(keys).toEqual([]);
  });
});

describe("a forest", () => {
  /** Sends the rows as bytes, because JSON has no NaN, and returns the numbers of the first output. */
  async function predict(name: string, run: ExpectedRun): Promise<Float32Array> {
    const [input] = Object.values(run.inputs);
    const response = await fetch(`${service.origin}/v2/models/${name}/infer`, {
      method: "POST",
      headers: { "inference-header-content-length": "0" },
      body: Float32Array.from(input?.values ?? [], Number),
    });
    expect(response.status).toBe(200);
    const length = Number(response.headers.get("inference-header-content-length"));
    return new Float32Array((await response.arrayBuffer()).slice(length));
  }

  test.each(["forest-sklearn", "forest-lightgbm", "forest-catboost"])(
    "%s takes the form of TreeEnsemble, which is smaller, and computes the same numbers",
    async (name) => {
      const sent = readExport(`${name}.onnx`);
      const manifest = await publish(name);
      expect(manifest.original).toEqual({
        sha256: sha256Of(sent),
        sizeBytes: sent.byteLength,
        changes: ["tree-ensemble"],
      });
      expect(manifest.files[0]?.sizeBytes).toBeLessThan(sent.byteLength * 0.5);
      const [run] = expectedRuns(name);
      const expected = Float32Array.from(
        Object.values(run ? toTensors(run) : {})[0]?.values ?? [],
        Number,
      );
      expect(run && (await predict(name, run))).toEqual(expected);
      // Neither the other file nor the model that was compared with remains.
      const { objects } = await service.bucket.list({ prefix: `models/${name}/` });
      expect(objects.map(({ key }) => key)).toEqual([
        `models/${name}/1/${manifest.file}`,
        `models/${name}/1/manifest.json`,
      ]);
      const { cells } = await service.runtime();
      const loaded = cells.flatMap(({ models }) => models).filter((model) => model.name === name);
      expect(loaded).toHaveLength(1);
    },
  );

  test("whose leaves have two targets stays as it is", async () => {
    const manifest = await publish("forest-two-targets");
    expect(manifest.original).toBeUndefined();
    await expectRuns("forest-two-targets", manifest);
  });
});

describe("a version in a folder", () => {
  let models: string;

  beforeAll(() => {
    models = mkdtempSync(join(tmpdir(), "onnxflare-exports-"));
  });
  afterAll(() => rmSync(models, { recursive: true, force: true }));

  /** A folder with one version whose manifest lists these files, the model first. */
  function createFolder(name: string, files: readonly string[], manifest: object): string {
    const folder = mkdtempSync(join(models, "models-"));
    const version = join(folder, name, "1");
    for (const path of files) {
      mkdirSync(dirname(join(version, path)), { recursive: true });
      cpSync(join(EXPORTS, path), join(version, path));
    }
    const entries = files.map((path) => {
      const bytes = readExport(path);
      return { path, sha256: sha256Of(bytes), sizeBytes: bytes.byteLength };
    });
    const whole = {
      schemaVersion: 1,
      name,
      version: "1",
      format: "onnx",
      file: files[0],
      files: entries,
      createdAt: "2026-11-30T00:00:00Z",
      ...manifest,
    };
    writeFileSync(join(version, "manifest.json"), JSON.stringify(whole));
    return folder;
  }

  async function storedManifest(name: string): Promise<Manifest> {
    const object = await service.bucket.get(`models/${name}/1/manifest.json`);
    return JSON.parse((await object?.text()) ?? "") as Manifest;
  }

  test("is seeded with a tensor instead of maps, and with the labels of the graph", async () => {
    const folder = createFolder("seeded-logistic", ["sklearn-logistic.onnx"], {
      task: "tabular-classification",
      inputs: [{ name: "X", datatype: "FP32", shape: [-1, 4] }],
      outputs: [
        { name: "output_label", datatype: "BYTES", shape: [-1] },
        { name: "output_probability", datatype: "FP32", shape: [-1, 3] },
      ],
      preprocess: { type: "tabular", version: 1, input: "X", columns: ["a", "b", "c", "d"] },
      postprocess: {
        type: "classification",
        version: 1,
        scores: "output_probability",
        activation: "none",
      },
    });
    expect(await seedModels(service.bucket, folder)).toMatchObject({ seeded: 1 });
    expect(await seedModels(service.bucket, folder)).toMatchObject({ seeded: 0, unchanged: 1 });
    expect(await storedManifest("seeded-logistic")).toMatchObject({
      labels: SPECIES,
      original: { sha256: sha256Of(readExport("sklearn-logistic.onnx")), changes: ["zipmap"] },
    });
    const [run] = expectedRuns("sklearn-logistic");
    const rows = run?.inputs.X?.values.slice(0, 4);
    const response = await service.post("/models/seeded-logistic", { inputs: rows });
    const scores = Object.values(run ? toTensors(run) : {})[1]?.values as number[];
    expect(response).toMatchObject({
      status: 200,
      body: SPECIES.map((label, index) => ({
        label,
        score: expect.closeTo(scores[index] ?? Number.NaN, 6),
      })),
    });
  });

  test("is seeded with the weights of its other files in the model, listed or not", async () => {
    const inputs = [
      { name: "x", datatype: "FP32", shape: [4] },
      { name: "flag", datatype: "BOOL", shape: [] },
      { name: "index", datatype: "INT64", shape: [] },
    ];
    const outputs = [{ name: "y", datatype: "FP32", shape: [4] }];
    const folder = createFolder("seeded-external", ["external.onnx", "weights.bin"], {
      inputs,
      outputs,
    });
    await expect(seedModels(service.bucket, folder)).rejects.toThrow(
      /^model seeded-external version 1: file parts\/inner.bin, which has weights of external.onnx, can't be read/,
    );
    cpSync(join(EXPORTS, "parts"), join(folder, "seeded-external", "1", "parts"), {
      recursive: true,
    });
    expect(await seedModels(service.bucket, folder)).toMatchObject({ seeded: 1 });
    const manifest = await storedManifest("seeded-external");
    expect(manifest.files.map(({ path }) => path)).toEqual(["external.onnx"]);
    for (const run of expectedRuns("external")) {
      const { body } = await service.post("/v2/models/seeded-external/infer", {
        inputs: toInferInputs(run, manifest.inputs),
      });
      expect(body).toMatchObject({ outputs: [{ name: "y", data: run.outputs.y?.values }] });
    }
  });

  test("is seeded with the inputs that its model has defaults for", async () => {
    const folder = createFolder("seeded-overridable", ["overridable.onnx"], {
      inputs: [
        { name: "x", datatype: "FP32", shape: [-1] },
        { name: "scale", datatype: "FP32", shape: [] },
      ],
      outputs: [{ name: "y", datatype: "FP32", shape: [-1] }],
    });
    await seedModels(service.bucket, folder);
    const { inputs } = await storedManifest("seeded-overridable");
    expect(inputs.map(({ name, optional }) => [name, optional])).toEqual([
      ["x", undefined],
      ["scale", true],
      ["bias", true],
      ["count", true],
    ]);
    for (const run of expectedRuns("overridable")) {
      const { body } = await service.post("/v2/models/seeded-overridable/infer", {
        inputs: toInferInputs(run, inputs),
      });
      expect(body).toMatchObject({ outputs: [{ name: "y", data: run.outputs.y?.values }] });
    }
  });
});
