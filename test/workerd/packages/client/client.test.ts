import { afterAll, beforeAll, describe, expect, test } from "vitest";
import packageJson from "../../../../package.json" with { type: "json" };
import { type Client, createClient } from "../../../../packages/client/src/client.ts";
import type { Datatype, TensorData } from "../../../../packages/client/src/tensor-types.ts";
import {
  ADMIN_KEY,
  type AdministeredService,
  startAdministeredService,
} from "../../../support/administration.ts";
import type { Graph } from "../../../support/onnx-builder.ts";
import { expectClose, readExpected } from "../../../support/tensors.ts";

/** The client with the built Worker in workerd, with models of `models/` and an identity of each datatype. */

const REAL_MODELS = ["iris-logistic", "digits-cnn", "diabetes-ridge", "language-identification"];

/** The limits of each datatype, in its own array type. */
const VALUES: { readonly [D in Datatype]: TensorData } = {
  BOOL: Uint8Array.of(0, 1, 1),
  UINT8: Uint8Array.of(0, 128, 255),
  UINT16: Uint16Array.of(0, 1, 65_535),
  UINT32: Uint32Array.of(0, 1, 4_294_967_295),
  UINT64: BigUint64Array.of(0n, 9_007_199_254_740_993n, 18_446_744_073_709_551_615n),
  INT8: Int8Array.of(-128, -1, 127),
  INT16: Int16Array.of(-32_768, -1, 32_767),
  INT32: Int32Array.of(-2_147_483_648, -1, 2_147_483_647),
  INT64: BigInt64Array.of(-9_223_372_036_854_775_808n, -1n, 9_223_372_036_854_775_807n),
  FP16: Float16Array.of(-0, 65_504, Number.NaN),
  FP32: Float32Array.of(-0, 2 ** -149, Number.NEGATIVE_INFINITY),
  FP64: Float64Array.of(Number.NaN, Number.MAX_VALUE, -5e-324),
  BYTES: ["", "naïve\n\u{1f642}", '9007199254740993 "\\'],
};
const DATATYPES = Object.keys(VALUES) as Datatype[];
const ENCODINGS = [
  ["bytes", true],
  ["JSON", false],
] as const;

function identity(datatype: Datatype): Graph {
  return {
    inputs: [{ name: "x", datatype, shape: ["n"] }],
    outputs: [{ name: "y", datatype, shape: ["n"] }],
    nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
  };
}

let service: AdministeredService;
let client: Client;

beforeAll(async () => {
  service = await startAdministeredService({ models: REAL_MODELS });
  client = createClient({ baseUrl: service.origin, apiKey: ADMIN_KEY });
  for (const datatype of DATATYPES) {
    const { status } = await service.publish(
      `identity-${datatype}`.toLowerCase(),
      identity(datatype),
    );
    expect(status).toBe(201);
  }
});

afterAll(() => service?.dispose());

describe.each(ENCODINGS)("with tensors as %s", (_, binary) => {
  test.each(REAL_MODELS)("%s returns the outputs of the fixture's engine", async (model) => {
    const { inputs, outputs, tolerance } = readExpected(model);
    const result = await client.infer({ model, inputs, binary, id: "batch 1" });
    expect(result).toMatchObject({ modelName: model, modelVersion: "1", id: "batch 1" });
    expect(result.outputs.map(({ name, datatype, shape }) => ({ name, datatype, shape }))).toEqual(
      outputs.map(({ name, datatype, shape }) => ({ name, datatype, shape })),
    );
    for (const { name, data } of outputs)
      expectClose(Array.from(result.output(name).data, Number), data, tolerance[name] ?? 0);
  });

  test.each(DATATYPES)("a tensor of %s is returned bit by bit", async (datatype) => {
    const model = `identity-${datatype}`.toLowerCase();
    const data = VALUES[datatype];
    const { outputs } = await client.infer({ model, binary, inputs: { x: { data, datatype } } });
    expect(outputs).toEqual([{ name: "y", datatype, shape: [3], data }]);
    expect(outputs[0]?.data.constructor).toBe(data.constructor);
  });

  test.each(DATATYPES)("an empty tensor of %s is returned empty", async (datatype) => {
    const model = `identity-${datatype}`.toLowerCase();
    const inputs = { x: { data: VALUES[datatype].slice(0, 0) as TensorData, datatype } };
    const { outputs } = await client.infer({ model, binary, inputs });
    expect(outputs).toMatchObject([{ name: "y", datatype, shape: [0] }]);
    expect(outputs[0]?.data).toHaveLength(0);
  });

  test("nested arrays and typed arrays have the same result", async () => {
    const [features] = readExpected("iris-logistic").inputs;
    const data = [features?.data.slice(0, 4) ?? [], features?.data.slice(4, 8) ?? []];
    const model = "iris-logistic";
    const [nested, typed] = await Promise.all([
      client.infer({ model, binary, inputs: { features: { data, datatype: "FP32" } } }),
      client.infer({
        model,
        binary,
        inputs: [{ name: "features", data: new Float32Array(data.flat()), shape: [2, 4] }],
      }),
    ]);
    expect(nested.outputs).toEqual(typed.outputs);
    expect(nested.output("probabilities").shape).toEqual([2, 3]);
  });

  test("outputs are selected and classified", async () => {
    const features = { data: new Float32Array([5.1, 3.5, 1.4, 0.2]), shape: [1, 4] };
    const result = await client.infer({
      model: "iris-logistic",
      version: "1",
      binary,
      inputs: { features },
      outputs: [{ name: "probabilities", classification: 1 }, "label"],
    });
    expect(result.outputs).toEqual([
      {
        name: "probabilities",
        datatype: "BYTES",
        shape: [1, 1],
        data: [expect.stringMatching(/^0\.9768\d*:0:setosa$/)],
      },
      { name: "label", datatype: "INT64", shape: [1], data: BigInt64Array.of(0n) },
    ]);
  });
});

test("each output can be requested in its own encoding", async () => {
  const features = { data: new Float32Array([5.1, 3.5, 1.4, 0.2]), shape: [1, 4] };
  const mixed = await client.infer({
    model: "iris-logistic",
    inputs: { features },
    outputs: [{ name: "probabilities", binary: false }, { name: "label" }],
  });
  const plain = await client.infer({
    model: "iris-logistic",
    inputs: { features },
    outputs: ["probabilities", "label"],
    binary: false,
  });
  expect(mixed.outputs).toEqual(plain.outputs);
});

test("an output can be sent as an input", async () => {
  const inputs = { x: new Float32Array([1, 2, 3]) };
  const first = await client.infer({ model: "identity-fp32", inputs });
  const second = await client.infer({
    model: "identity-fp32",
    inputs: [{ ...first.output("y"), name: "x" }],
  });
  expect(second.output("y", "FP32").data).toEqual(inputs.x);
});

describe("the server", () => {
  test("serverMetadata returns name, version and extensions", async () => {
    expect(await client.serverMetadata()).toMatchObject({
      name: "onnxflare",
      version: packageJson.version,
      extensions: expect.arrayContaining(["binary_tensor_data", "statistics"]),
    });
  });

  test("the server is live and ready", async () => {
    expect(await client.isLive()).toBe(true);
    expect(await client.isReady()).toBe(true);
  });

  test("models returns the names of the models", async () => {
    expect(await client.models()).toEqual(expect.arrayContaining(REAL_MODELS));
  });
});

describe("a model", () => {
  test("a model has metadata and a configuration", async () => {
    expect(await client.modelMetadata("iris-logistic", { version: "1" })).toMatchObject({
      name: "iris-logistic",
      versions: ["1"],
      inputs: [{ name: "features", datatype: "FP32", shape: [-1, 4] }],
    });
    expect(await client.modelConfig("iris-logistic")).toMatchObject({
      name: "iris-logistic",
      input: [{ name: "features", data_type: "TYPE_FP32", dims: [-1, 4] }],
    });
  });

  test("statistics count the requests of a model", async () => {
    const count = async () =>
      (await client.statistics("identity-int8")).model_stats[0]?.inference_count ?? Number.NaN;
    const before = await count();
    await client.infer({ model: "identity-int8", inputs: { x: new Int8Array(1) } });
    expect(await count()).toBe(before + 1);
    const all = await client.statistics();
    expect(all.model_stats.map(({ name }) => name)).toEqual(expect.arrayContaining(REAL_MODELS));
  });

  test("a model is unloaded and loaded", async () => {
    expect(await client.unload("diabetes-ridge")).toMatchObject({ state: "absent" });
    expect(await client.load("diabetes-ridge")).toMatchObject({ state: "ready" });
    expect(await client.modelReady("diabetes-ridge")).toBe(true);
    const index = await client.repositoryIndex({ ready: true });
    expect(index).toContainEqual({
      name: "diabetes-ridge",
      version: "1",
      state: "READY",
      reason: "",
    });
  });

  test("predict uses the task API", async () => {
    const labels = await client.predict<{ label: string; score: number }[]>({
      model: "language-identification",
      inputs: "Der Mensch ist frei geboren.",
      parameters: { top_k: 1 },
    });
    expect(labels).toEqual([{ label: "deu", score: expect.any(Number) }]);
  });
});

describe("errors of the server", () => {
  test("an unknown model is an OnnxflareError", async () => {
    const call = client.infer({ model: "no-such-model", inputs: {} });
    await expect(call).rejects.toMatchObject({
      name: "OnnxflareError",
      status: 404,
      code: "model_not_found",
      requestId: expect.any(String),
    });
    await expect(client.modelReady("no-such-model")).rejects.toMatchObject({ status: 404 });
  });

  test("an input that the model does not have is an OnnxflareError", async () => {
    const call = client.infer({ model: "iris-logistic", inputs: { x: new Float32Array(4) } });
    await expect(call).rejects.toMatchObject({
      status: 400,
      code: "invalid_input",
      details: { expected: ["features"], actual: "x" },
    });
  });

  test("predict with a model without a task is an OnnxflareError", async () => {
    const call = client.predict({ model: "identity-fp32", inputs: [1] });
    await expect(call).rejects.toMatchObject({ status: 501, code: "task_not_supported" });
  });

  test("an invalid key is an OnnxflareError", async () => {
    const stranger = createClient({ baseUrl: service.origin, apiKey: "wrong" });
    await expect(stranger.load("iris-logistic")).rejects.toMatchObject({ code: "unauthorized" });
  });
});
