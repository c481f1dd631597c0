import { describe, expect, test } from "vitest";
import { ApiError } from "../../../src/domain/errors.ts";
import type { InferRequest } from "../../../src/domain/model-host.ts";
import { type Tensor, toBytes } from "../../../src/domain/tensor.ts";
import { createTestApp, unexpected } from "../../support/test-app.ts";

/** The Open Inference Protocol by `app.request`; what the engine computes is tested in workerd. */

const OUTPUTS: readonly Tensor[] = [
  { name: "label", datatype: "INT64", shape: [1], data: toBytes(BigInt64Array.of(2n)) },
  {
    name: "probabilities",
    datatype: "FP32",
    shape: [1, 3],
    data: toBytes(Float32Array.of(0.25, 0.25, 0.5)),
  },
];

const FEATURES = { name: "features", datatype: "FP32", shape: [1, 4], data: [1, 2, 3, 4] };

function createInferApp() {
  const requests: InferRequest[] = [];
  const app = createTestApp({
    async infer(request) {
      requests.push(request);
      return OUTPUTS.filter(({ name }) => request.outputs?.includes(name) ?? true);
    },
  });
  const infer = (value: unknown, path = "/v2/models/iris-logistic/infer"): Promise<Response> =>
    app.request(path, { method: "POST", body: JSON.stringify(value) });
  return { app, requests, infer };
}

describe("infer", () => {
  test("returns the outputs of the model with the request's id", async () => {
    const { infer, requests } = createInferApp();
    const response = await infer({ id: "7", inputs: [FEATURES] });
    expect(await response.json()).toEqual({
      model_name: "iris-logistic",
      model_version: "1",
      id: "7",
      outputs: [
        { name: "label", datatype: "INT64", shape: [1], data: [2] },
        { name: "probabilities", datatype: "FP32", shape: [1, 3], data: [0.25, 0.25, 0.5] },
      ],
    });
    expect(response.headers.get("x-model-version")).toBe("1");
    expect(requests[0]?.inputs).toEqual([
      {
        name: "features",
        datatype: "FP32",
        shape: [1, 4],
        data: toBytes(Float32Array.of(1, 2, 3, 4)),
      },
    ]);
  });

  test("returns a requested output as bytes after the JSON", async () => {
    const { infer, requests } = createInferApp();
    const outputs = [{ name: "probabilities", parameters: { binary_data: true } }];
    const response = await infer({ inputs: [FEATURES], outputs });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const length = Number(response.headers.get("inference-header-content-length"));
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
    expect(JSON.parse(new TextDecoder().decode(bytes.subarray(0, length)))).toMatchObject({
      outputs: [{ name: "probabilities", parameters: { binary_data_size: 12 } }],
    });
    expect(bytes.subarray(length)).toEqual(
      new Uint8Array(toBytes(Float32Array.of(0.25, 0.25, 0.5))),
    );
    expect(requests[0]?.outputs).toEqual(["probabilities"]);
  });

  test.each([
    [{ inputs: [{ ...FEATURES, datatype: "FP64" }] }, 400, "invalid_datatype"],
    [{ inputs: [{ ...FEATURES, name: "other" }] }, 400, "invalid_input"],
    [{ inputs: "features" }, 400, "invalid_request"],
  ])("refuses %j in the protocol's form", async (value, status, code) => {
    const { infer, requests } = createInferApp();
    const response = await infer(value);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: expect.any(String), code });
    expect(requests).toEqual([]);
  });

  test("refuses a version that does not exist, and names those that do", async () => {
    const { infer } = createInferApp();
    const response = await infer(
      { inputs: [FEATURES] },
      "/v2/models/iris-logistic/versions/9/infer",
    );
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      code: "version_not_found",
      details: { versions: ["1"] },
    });
  });
});

test("the metadata of a model have its inputs and outputs", async () => {
  const response = await createTestApp().request("/v2/models/iris-logistic");
  expect(await response.json()).toMatchObject({
    name: "iris-logistic",
    versions: ["1"],
    platform: "onnxruntime_onnx",
    inputs: [{ name: "features", datatype: "FP32", shape: [-1, 4] }],
  });
});

test.each([
  [{ state: "ready" } as const, 200, { ready: true, state: "ready" }],
  [{ state: "loading" } as const, 503, { ready: false, state: "loading" }],
  [
    { state: "failed", error: new ApiError("model_missing", "It is gone.") } as const,
    503,
    { ready: false, state: "failed", reason: "It is gone." },
  ],
])("the readiness of a model in the state %j is %i", async (state, status, body) => {
  const app = createTestApp({ modelReadiness: { check: async () => state, load: unexpected } });
  const response = await app.request("/v2/models/iris-logistic/ready");
  expect(response.status).toBe(status);
  expect(await response.json()).toEqual({ name: "iris-logistic", ...body });
});

describe("the model repository", () => {
  test("is not controlled without a key, unless it is open to everybody", async () => {
    const path = "/v2/repository/models/iris-logistic/load";
    const modelReadiness = { check: unexpected, load: async () => ({ state: "ready" }) as const };
    const closed = await createTestApp({ modelReadiness }).request(path, { method: "POST" });
    expect(closed.status).toBe(401);
    const { parseConfig } = await import("../../../src/config.ts");
    const config = parseConfig({ REPOSITORY_CONTROL: "open", PUBLIC_PREDICT: "true" });
    const open = await createTestApp({ modelReadiness, config }).request(path, { method: "POST" });
    expect(await open.json()).toEqual({ name: "iris-logistic", state: "ready" });
  });

  test("lists versions by state, and only ready ones when that is requested", async () => {
    const id = { name: "a", version: "1" };
    const other = { name: "b", version: "2" };
    const repository = {
      index: async () => [
        { id, state: { state: "absent" } as const },
        { id: other, state: { state: "loading" } as const },
      ],
      newest: unexpected,
      unload: async () => undefined,
    };
    const app = createTestApp({ repository });
    const all = await app.request("/v2/repository/index", { method: "POST" });
    expect(await all.json()).toEqual([
      { ...id, state: "READY", reason: "" },
      { ...other, state: "LOADING", reason: "" },
    ]);
    const body = JSON.stringify({ ready: true });
    const ready = await app.request("/v2/repository/index", { method: "POST", body });
    expect(await ready.json()).toEqual([{ ...id, state: "READY", reason: "" }]);
  });
});
