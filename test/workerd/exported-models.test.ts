import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Manifest } from "../../src/domain/manifest.ts";
import { type AdministeredService, startAdministeredService } from "../support/administration.ts";
import {
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
      "models/external/1/manifest.json",
      `models/external/1/${manifest.file}`,
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

  test("are deleted with their version", async () => {
    await sendFile("abandoned", "weights.bin", Uint8Array.of(1));
    await service.publish("abandoned", readExport("label-encoder.onnx"));
    await sendFile("abandoned-2", "weights.bin", Uint8Array.of(1));
    const keys = (await service.bucket.list({ prefix: "uploads/abandoned/" })).objects;
    expect(keys).toEqual([]);
  });
});
