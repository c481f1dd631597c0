import { describe, expect, test } from "vitest";
import type { Manifest } from "../../../src/domain/manifest.ts";
import type { InferRequest } from "../../../src/domain/model-host.ts";
import type { Tensor, TensorSpec } from "../../../src/domain/tensor.ts";
import { toTypedArray } from "../../../src/domain/tensor.ts";
import { createCatalog } from "../../../src/registry/catalog.ts";
import { createManifestSurvey } from "../../../src/registry/manifest-survey.ts";
import { createRepository } from "../../../src/registry/repository.ts";
import { createMemoryModelStore } from "../../../src/storage/memory-model-store.ts";
import { createTestApp, unexpected } from "../../support/test-app.ts";

/** KServe's v1 protocol and TensorFlow Serving's API by `app.request`; their clients are in test/clients. */

const FEATURES = { name: "x", datatype: "FP32", shape: ["rows", 2] } as const;
const TEXT = { name: "text", datatype: "BYTES", shape: ["rows"] } as const;
const IDS = { name: "ids", datatype: "INT64", shape: ["rows", -1] } as const;

const ENCODER = new TextEncoder();

function publish(name: string, inputs: readonly TensorSpec[], version = "1") {
  const manifest = {
    schemaVersion: 1,
    name,
    version,
    format: "onnx",
    file: "model.onnx",
    files: [{ path: "model.onnx", sha256: "a".repeat(64), sizeBytes: 1 }],
    inputs: inputs.map((spec) => ({ ...spec, shape: [...spec.shape] })),
    outputs: [{ name: "y", datatype: "FP32", shape: ["rows"] }],
    createdAt: "2026-11-22T00:00:00Z",
  } satisfies Partial<Manifest>;
  const bytes = new Uint8Array(ENCODER.encode(JSON.stringify(manifest)));
  objects.set(`models/${name}/${version}/manifest.json`, bytes);
}

const objects = new Map<string, Uint8Array<ArrayBuffer>>();
publish("one", [FEATURES]);
publish("one", [FEATURES], "2");
publish("two", [FEATURES, IDS]);
publish("texts", [TEXT]);
publish("optional", [FEATURES, { name: "scale", datatype: "FP32", shape: [], optional: true }]);
publish("scalar", [{ name: "s", datatype: "FP32", shape: [] }]);

function fp32(name: string, shape: number[], ...values: number[]): Tensor {
  return { name, datatype: "FP32", shape, data: new Uint8Array(Float32Array.of(...values).buffer) };
}

function int64(name: string, shape: number[], ...values: bigint[]): Tensor {
  const data = new Uint8Array(BigInt64Array.from(values).buffer);
  return { name, datatype: "INT64", shape, data };
}

function create(outputs: readonly Tensor[] = [fp32("y", [1], 1)]) {
  const requests: InferRequest[] = [];
  const store = createMemoryModelStore(objects);
  const catalog = createCatalog(store, { listingTtlSeconds: 10 });
  const host = { state: unexpected, unload: unexpected };
  const app = createTestApp({
    catalog,
    repository: createRepository(catalog, host, createManifestSurvey(catalog, store)),
    modelReadiness: { check: async () => ({ state: "ready" }), load: unexpected },
    async infer(request) {
      requests.push(request);
      return outputs;
    },
  });
  const post = (path: string, body: unknown): Promise<Response> =>
    app.request(`/v1/models/${path}`, {
      method: "POST",
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  /** The inputs of the last run: shape and values by name. */
  const inputs = (): Record<string, [readonly number[], unknown[]]> =>
    Object.fromEntries(
      (requests.at(-1)?.inputs ?? []).map((tensor) => [
        tensor.name,
        [
          tensor.shape,
          tensor.datatype === "BYTES"
            ? [...tensor.data]
            : [...(toTypedArray(tensor) as Iterable<number | bigint>)],
        ],
      ]),
    );
  return { app, post, requests, inputs };
}

describe("the row format", () => {
  test("instances become dimension 0 of the only input, and predictions are those of the only output", async () => {
    const { post, inputs } = create([fp32("y", [2, 3], 1, 2, 3, 4, 5, 6)]);
    const response = await post("one:predict", {
      instances: [
        [1, 2.5],
        [3, 4],
      ],
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("x-model-version")).toBe("2");
    expect(await response.json()).toEqual({
      predictions: [
        [1, 2, 3],
        [4, 5, 6],
      ],
    });
    expect(inputs()).toEqual({
      x: [
        [2, 2],
        [1, 2.5, 3, 4],
      ],
    });
  });

  test("named inputs of each instance are stacked, and several outputs are objects", async () => {
    const outputs = [int64("label", [2], 7n, -(2n ** 63n)), fp32("p", [2, 1], 0.5, Number.NaN)];
    const { post, inputs } = create(outputs);
    const response = await post(
      "two:predict",
      '{"instances": [{"x": [1, 2], "ids": [9007199254740993]}, {"ids": [5], "x": [3, 4]}]}',
    );
    expect(await response.text()).toBe(
      '{"predictions":[{"label":7,"p":[0.5]},{"label":-9223372036854775808,"p":["NaN"]}]}',
    );
    expect(inputs()).toEqual({
      x: [
        [2, 2],
        [1, 2, 3, 4],
      ],
      ids: [
        [2, 1],
        [9007199254740993n, 5n],
      ],
    });
  });

  test("an instance of a model with one input may name it", async () => {
    const { post, inputs } = create();
    await post("one:predict", { instances: [{ x: [1, 2] }] });
    expect(inputs()).toEqual({
      x: [
        [1, 2],
        [1, 2],
      ],
    });
  });

  test("texts are strings or Base64, and outputs named _bytes are Base64", async () => {
    const texts = (name: string): Tensor => ({
      name,
      datatype: "BYTES",
      shape: [3],
      data: ["a", "é", '",'],
    });
    const { post, inputs } = create([texts("text"), texts("text_bytes")]);
    const response = await post("texts:predict", {
      instances: ["a", { b64: "w6k=" }, { b64: "IiwA".slice(0, 3) }],
    });
    expect(inputs()).toEqual({ text: [[3], ["a", "é", '",']] });
    expect(await response.json()).toEqual({
      predictions: [
        { text: "a", text_bytes: { b64: "YQ==" } },
        { text: "é", text_bytes: { b64: "w6k=" } },
        { text: '",', text_bytes: { b64: "Iiw=" } },
      ],
    });
  });

  test.each([[[]], [[4]]])("an output of the shape %j needs the columnar format", async (shape) => {
    const { post } = create([fp32("mean", shape, ...(shape.length ? [1, 2, 3, 4] : [1]))]);
    const response = await post("one:predict", { instances: [[1, 2]] });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "invalid_request",
      error: expect.stringContaining('Output "mean"'),
    });
  });
});

describe("the columnar format", () => {
  test("the value of the only input may be bare, and that of the only output is", async () => {
    const { post, inputs } = create([fp32("y", [1, 2, 2], 1, -0, 3, 1e-7)]);
    const response = await post("one:predict", {
      inputs: [
        [1, 2],
        [3, 4],
      ],
    });
    expect(await response.text()).toBe('{"outputs":[[[1,-0.0],[3,1.0000000116860974e-7]]]}');
    expect(inputs()).toEqual({
      x: [
        [2, 2],
        [1, 2, 3, 4],
      ],
    });
  });

  test("values by name, and an object of outputs", async () => {
    const { post, inputs } = create([fp32("a", [], 2), int64("b", [0, 3])]);
    const response = await post("two:predict", {
      inputs: { ids: [["9223372036854775807"]], x: [[1, 2]] },
      signature_name: "serving_default",
    });
    expect(await response.text()).toBe('{"outputs":{"a":2,"b":[]}}');
    expect(inputs()).toEqual({
      ids: [[1, 1], [2n ** 63n - 1n]],
      x: [
        [1, 2],
        [1, 2],
      ],
    });
  });

  test("the only required input may be bare, and an optional one is given by its name", async () => {
    const { post, inputs } = create();
    await post("optional:predict", { inputs: [[1, 2]] });
    expect(inputs()).toEqual({
      x: [
        [1, 2],
        [1, 2],
      ],
    });
    await post("optional:predict", { inputs: { x: [[1, 2]], scale: 3 } });
    expect(inputs()).toMatchObject({ scale: [[], [3]] });
    await post("optional:predict", { instances: [[1, 2]] });
    expect(Object.keys(inputs())).toEqual(["x"]);
    await post("optional:predict", { inputs: { x: [[3, 4]], scale: null } });
    expect(Object.keys(inputs())).toEqual(["x"]);
    await post("optional:predict", { instances: [{ x: [5, 6], scale: null }] });
    expect(Object.keys(inputs())).toEqual(["x"]);
  });

  test("a scalar is a value without a list", async () => {
    const { post, inputs } = create([fp32("y", [], 3)]);
    expect(await (await post("scalar:predict", { inputs: 2 })).json()).toEqual({ outputs: 3 });
    expect(inputs()).toEqual({ s: [[], [2]] });
  });

  test("bytes of a text are no object of inputs", async () => {
    const { post, inputs } = create();
    await post("texts:predict", { inputs: [{ b64: "4pyT" }] });
    expect(inputs()).toEqual({ text: [[1], ["✓"]] });
    await post("texts:predict", { inputs: { text: ["a"] } });
    expect(inputs()).toEqual({ text: [[1], ["a"]] });
  });
});

describe("paths", () => {
  test.each([
    ["one/versions/1:predict", "1"],
    ["one/versions/2:predict", "2"],
    ["one/versions/0:predict", "2"],
    ["one:predict/", "2"],
    ["one%3Apredict", "2"],
    ["one%3apredict", "2"],
  ])("%s runs version %s", async (path, version) => {
    const { post, requests } = create();
    const response = await post(path, { instances: [[1, 2]] });
    expect(response.status).toBe(200);
    expect(response.headers.get("x-model-version")).toBe(version);
    expect(requests[0]?.model).toMatchObject({ name: "one", version });
  });

  test.each([
    ["POST", "/v1/models/nobody:predict", 404, "model_not_found"],
    ["POST", "/v1/models/one/versions/3:predict", 404, "version_not_found"],
    ["POST", "/v1/models/one/versions/x:predict", 404, "version_not_found"],
    ["POST", "/v1/models/one:regress", 404, "route_not_found"],
    ["GET", "/v1/models/one:predict", 405, "method_not_allowed"],
    ["GET", "/v1/models/nobody/versions/1", 404, "model_not_found"],
    ["GET", "/v1/models/one/versions/3", 404, "version_not_found"],
    ["GET", "/v1/models/one/versions/0/x", 404, "route_not_found"],
  ])("%s %s is %i in KServe's form", async (method, path, status, code) => {
    const { app } = create();
    const body = method === "POST" ? '{"instances": [[1, 2]]}' : null;
    const response = await app.request(path, { method, body });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: expect.any(String), code });
  });

  test("an event and the message of an unknown verb have the path as it was sent", async () => {
    const { app, post } = create();
    const response = await post("one:regress", {});
    expect(await response.json()).toMatchObject({
      error: expect.stringContaining("POST /v1/models/one:regress is not a route"),
    });
    await post("one:predict", { instances: [[1, 2]] });
    expect(app.events.at(-1)).toMatchObject({ operation: "predictInstances", model: "one" });
  });
});

describe("a body that is refused", () => {
  const DEEP = `${"[".repeat(40)}1${"]".repeat(40)}`;

  test.each([
    ["one", "null", "invalid_request", "The body"],
    ["one", "[]", "invalid_request", "The body"],
    ["one", "{", "invalid_json", "JSON"],
    ["one", "{}", "invalid_request", '"instances"'],
    ["one", '{"instances": null, "inputs": null}', "invalid_request", '"instances"'],
    ["one", '{"instances": [[1, 2]], "inputs": [[1, 2]]}', "invalid_request", "not both"],
    ["one", '{"instances": []}', "invalid_request", "at least one instance"],
    ["one", '{"instances": {"toString": 1}}', "invalid_request", "a list"],
    ["one", '{"instances": "text"}', "invalid_request", "a list"],
    ["one", '{"instances": [[1, 2]], "signature_name": "other"}', "invalid_request", '"other"'],
    ["one", '{"instances": [[1, 2]], "signature_name": 7}', "invalid_request", "signature_name"],
    ["one", '{"instances": [[1, 2], [3]]}', "invalid_shape", '"x"'],
    ["one", '{"instances": [[1, 2], {"x": [1, 2]}]}', "invalid_input", "instances[1]"],
    ["one", '{"instances": [{"x": [1, 2]}, [1, 2]]}', "invalid_input", "instances[1]"],
    ["one", '{"instances": [{"z": [1, 2]}]}', "invalid_input", 'no input "z"'],
    ["one", '{"instances": [{"__proto__": [1, 2]}]}', "invalid_input", "__proto__"],
    ["one", '{"instances": [{"toString": 1}]}', "invalid_input", "toString"],
    ["one", '{"instances": [["a", 2]]}', "invalid_datatype", 'got "a"'],
    ["one", '{"instances": [[null, 2]]}', "invalid_datatype", "null"],
    ["one", '{"instances": [{"b64": "AAAA"}]}', "invalid_datatype", "an object"],
    ["one", `{"instances": [${DEEP}]}`, "invalid_shape", "nested deeper"],
    ["one", `{"inputs": {"x": ${DEEP}}}`, "invalid_shape", "nested deeper"],
    ["two", '{"instances": [[1, 2]]}', "invalid_input", '"ids" (INT64'],
    ["two", '{"inputs": [[1, 2]]}', "invalid_input", '"ids" (INT64'],
    ["two", '{"instances": [{"x": [1, 2], "ids": [1]}, {"x": [1, 2]}]}', "invalid_input", "[1]"],
    [
      "two",
      '{"instances": [{"x": [1, 2], "ids": [1]}, {"x": [1, 2], "z": 1}]}',
      "invalid_input",
      'instances[1] has no input "ids"',
    ],
    ["two", '{"inputs": {"x": [[1, 2]], "ids": [[1.5]]}}', "value_out_of_range", "1.5"],
    ["texts", '{"instances": [true]}', "invalid_datatype", "got true"],
    ["texts", '{"instances": [{"b64": 1}]}', "invalid_datatype", "b64"],
    ["texts", '{"instances": [{"b64": "%"}]}', "invalid_datatype", "Base64"],
    ["texts", '{"instances": [{"b64": "/w=="}]}', "invalid_datatype", "UTF-8"],
    ["texts", `{"instances": ${DEEP}}`, "invalid_shape", "nested deeper"],
  ])("%s: %s is %s", async (model, body, code, message) => {
    const { post, requests } = create();
    const response = await post(`${model}:predict`, body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code,
      error: expect.stringContaining(message),
      request_id: expect.any(String),
    });
    expect(requests).toEqual([]);
  });
});

test("the metadata have TensorFlow Serving's names and those of OpenVINO Model Server", async () => {
  const { app } = create();
  const response = await app.request("/v1/models/two/versions/0/metadata");
  expect(response.status).toBe(200);
  const dims = [
    { size: "-1", name: "rows" },
    { size: "2", name: "" },
  ];
  const x = {
    name: "x",
    dtype: "DT_FLOAT",
    tensor_shape: { dim: dims },
    tensorShape: { dim: dims },
  };
  const signatures = { serving_default: { inputs: { x, ids: { dtype: "DT_INT64" } } } };
  expect(await response.json()).toMatchObject({
    model_spec: { name: "two", signature_name: "", version: "1" },
    modelSpec: { name: "two", version: "1" },
    metadata: { signature_def: { signature_def: signatures, signatureDef: signatures } },
  });
});

test("the status of a version is that of TensorFlow Serving", async () => {
  const { app } = create();
  for (const [path, version] of [
    ["1", "1"],
    ["0", "2"],
  ]) {
    const response = await app.request(`/v1/models/one/versions/${path}`);
    expect(await response.json()).toEqual({
      model_version_status: [
        { version, state: "AVAILABLE", status: { error_code: "OK", error_message: "" } },
      ],
    });
  }
});

test("the list of models has the names of KServe's", async () => {
  const { app } = create();
  const response = await app.request("/v1/models");
  expect(await response.json()).toMatchObject({
    object: "list",
    data: [{ id: "one" }, { id: "optional" }, { id: "scalar" }, { id: "texts" }, { id: "two" }],
    models: ["one", "optional", "scalar", "texts", "two"],
  });
});
