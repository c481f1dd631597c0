import { afterAll, beforeAll, describe, expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { type Service, startService } from "../support/service.ts";
import { expectOutputs, readExpected, row } from "../support/tensors.ts";

/** The Open Inference Protocol v2 over HTTP. */

const MODEL = "/v2/models/iris-logistic";
const expected = readExpected("iris-logistic");
const [features] = expected.inputs;

let service: Service;

beforeAll(async () => {
  service = await startService({ models: ["iris-logistic"] });
});

afterAll(() => service?.dispose());

test.each([
  ["/v2", { name: "onnxflare", version: packageJson.version }],
  ["/v2/health/live", { live: true }],
  ["/v2/health/ready", { ready: true }],
  [
    MODEL,
    {
      name: "iris-logistic",
      versions: ["1"],
      platform: "onnxruntime_onnx",
      inputs: [
        {
          name: "features",
          datatype: "FP32",
          shape: [-1, 4],
          parameters: { dimension_0: "batch" },
        },
      ],
      outputs: [
        { name: "label", datatype: "INT64", shape: [-1], parameters: { dimension_0: "batch" } },
        {
          name: "probabilities",
          datatype: "FP32",
          shape: [-1, 3],
          parameters: { dimension_0: "batch" },
        },
      ],
    },
  ],
])("GET %s returns the expected body, with and without a trailing slash", async (path, body) => {
  for (const url of [path, `${path}/`]) {
    const response = await service.request(url);
    expect(response).toMatchObject({ status: 200, body });
    expect(response.headers.get("content-type")).toBe("application/json");
  }
});

test.each([`${MODEL}/ready`, `${MODEL}/versions/1/ready`, `${MODEL}/ready/`])(
  "GET %s reports that the model is ready",
  async (path) => {
    const response = await service.request(path);
    expect(response).toMatchObject({ status: 200, body: { name: "iris-logistic", ready: true } });
    expect(response.headers.get("x-model-version")).toBe("1");
  },
);

test("the metadata of a version is that of its model", async () => {
  const [model, version] = await Promise.all([
    service.request(MODEL),
    service.request(`${MODEL}/versions/1`),
  ]);
  expect(version.status).toBe(200);
  expect(version.body).toEqual(model.body);
});

test.each(["/v2", "/v2/health/live", MODEL])(
  "the response to HEAD %s has no body",
  async (path) => {
    const response = await service.request(path, { method: "HEAD" });
    expect(response).toMatchObject({ status: 200, body: "" });
  },
);

describe("infer", () => {
  test.each([
    `${MODEL}/infer`,
    `${MODEL}/infer/`,
    `${MODEL}/versions/1/infer`,
    `${MODEL}/versions/1/infer/`,
    `${MODEL}/infer?query=ignored`,
  ])("inference is available at %s", async (path) => {
    const response = await service.post(path, { inputs: expected.inputs });
    expect(response).toMatchObject({
      status: 200,
      body: { model_name: "iris-logistic", model_version: "1" },
    });
    expect(response.headers.get("x-model-version")).toBe("1");
    expectOutputs(response.body, expected);
  });

  test.each(["42", "", 'a \u2028 \ud83d\ude42 " \\ id'])(
    "the id %j is returned in the response",
    async (id) => {
      const { body } = await service.post(`${MODEL}/infer`, { id, inputs: expected.inputs });
      expect(body).toHaveProperty("id", id);
    },
  );

  test("a response has no id if the request has none", async () => {
    const { body } = await service.post(`${MODEL}/infer`, { inputs: expected.inputs });
    expect(Object.keys(body as object)).toEqual(["model_name", "model_version", "outputs"]);
  });

  test.each([
    [["probabilities"]],
    [["label"]],
    [["probabilities", "label"]],
    [["label", "probabilities"]],
  ])("the requested outputs %j are returned in that order", async (names) => {
    const outputs = names.map((name) => ({ name }));
    const response = await service.post(`${MODEL}/infer`, { inputs: expected.inputs, outputs });
    expectOutputs(response.body, {
      ...expected,
      outputs: names.flatMap((name) => expected.outputs.filter((output) => output.name === name)),
    });
  });

  test("an empty list of outputs returns every output", async () => {
    const response = await service.post(`${MODEL}/infer`, { inputs: expected.inputs, outputs: [] });
    expectOutputs(response.body, expected);
  });

  test("an empty batch has empty outputs", async () => {
    const inputs = [{ ...features, shape: [0, 4], data: [] }];
    const response = await service.post(`${MODEL}/infer`, { inputs });
    expect(response).toMatchObject({
      status: 200,
      body: {
        outputs: [
          { name: "label", datatype: "INT64", shape: [0], data: [] },
          { name: "probabilities", datatype: "FP32", shape: [0, 3], data: [] },
        ],
      },
    });
  });

  test.each(["application/json", "application/x-www-form-urlencoded", "text/plain"])(
    "JSON is accepted with the content-type %s",
    async (type) => {
      const inputs = { inputs: expected.inputs };
      const response = await service.post(`${MODEL}/infer`, inputs, { "content-type": type });
      expectOutputs(response.body, expected);
    },
  );

  test("unknown parameters are accepted, as the protocol requires", async () => {
    const inputs = expected.inputs.map((tensor) => ({ ...tensor, parameters: { origin: "test" } }));
    const response = await service.post(`${MODEL}/infer`, { inputs, parameters: { priority: 1 } });
    expectOutputs(response.body, expected);
  });

  test("NaN and infinities are preserved", async () => {
    const one = row(features ?? expected.outputs[0] ?? raise(), 0);
    const inputs = [{ ...one, data: ["NaN", "Infinity", 1, 1] }];
    const { status, body } = await service.post(`${MODEL}/infer`, { inputs });
    expect(status).toBe(200);
    const [, probabilities] = (body as { outputs: { data: unknown[] }[] }).outputs;
    expect(probabilities?.data).toEqual(["NaN", "NaN", "NaN"]);
  });
});

function raise(): never {
  throw new Error("the fixture has no input");
}
