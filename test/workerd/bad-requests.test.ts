import { request } from "node:http";
import { deflateSync, gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { findModel, publishAs } from "../support/publish.ts";
import { type Service, startService, type TestResponse } from "../support/service.ts";
import { expectOutputs, readExpected } from "../support/tensors.ts";

/** Invalid requests, each with its status, its code and a message that names the problem. */

const LIMIT_BYTES = 100_000;
const INFER = "/v2/models/iris-logistic/infer";
const expected = readExpected("iris-logistic");

let service: Service;

beforeAll(async () => {
  service = await startService({
    vars: { MAX_BODY_BYTES: String(LIMIT_BYTES) },
    models: [
      "iris-logistic",
      "iris-kmeans",
      "diabetes-linear",
      "digits-cnn",
      "language-identification",
    ],
  });
});

afterAll(() => service?.dispose());

afterEach(async () => {
  const response = await service.post(INFER, { inputs: expected.inputs });
  expectOutputs(response.body, expected);
});

type Body = string | Uint8Array<ArrayBuffer>;

function post(
  path: string,
  body: Body,
  headers: Record<string, string> = {},
): Promise<TestResponse> {
  return service.request(path, { method: "POST", body, headers });
}

/** Under /v2 an error has the protocol's form, everywhere else it is problem details (RFC 9457). */
function expectError(
  response: TestResponse,
  path: string,
  status: number,
  code: string,
  message: string,
) {
  expect(response.status).toBe(status);
  const requestId = response.headers.get("x-request-id");
  expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
  const type = response.headers.get("content-type");
  const { details: _, ...body } = response.body as Record<string, unknown>;
  if (path.startsWith("/v2")) {
    expect(type).toBe("application/json");
    expect(body).toEqual({
      error: expect.stringContaining(message),
      code,
      request_id: requestId,
    });
  } else {
    expect(type).toBe("application/problem+json");
    expect(body).toEqual({
      type: "about:blank",
      title: expect.stringMatching(/^[A-Z]/),
      status,
      detail: expect.stringContaining(message),
      code,
      request_id: requestId,
    });
  }
}

/** A valid request for one flower, with a change. */
function flower(change: Record<string, unknown> = {}): string {
  const input = { name: "features", datatype: "FP32", shape: [1, 4], data: [5.1, 3.5, 1.4, 0.2] };
  return JSON.stringify({ inputs: [{ ...input, ...change }] });
}

const GOOD = flower();
const good = JSON.parse(GOOD).inputs[0];
const deep = "[".repeat(60) + "]".repeat(60);
const tooDeep = "[".repeat(20_000) + "]".repeat(20_000);

describe("paths", () => {
  test.each([
    ["/v2/models/no-such-model/infer", 404, "model_not_found", 'No model named "no-such-model"'],
    ["/v2/models/Iris/infer", 404, "model_not_found", 'No model named "Iris"'],
    ["/v2/models/a%2Fb/infer", 404, "model_not_found", 'No model named "a/b"'],
    ["/v2/models/%2e%2e%2fsecret/infer", 404, "model_not_found", 'No model named "../secret"'],
    ["/v2/models/%00/infer", 404, "model_not_found", 'No model named "\\u0000"'],
    ["/v2/models/%ff/infer", 404, "model_not_found", 'No model named "%ff"'],
    [`/v2/models/${"x".repeat(64)}/infer`, 404, "model_not_found", "1 to 63 lower-case letters"],
    [
      "/v2/models/iris-logistic/versions/7/infer",
      404,
      "version_not_found",
      "no version 7: its versions are 1",
    ],
    ["/v2/models/iris-logistic/versions/01/infer", 404, "version_not_found", 'no version "01"'],
    ["/v2/models/iris-logistic/versions/latest/infer", 404, "version_not_found", '"latest"'],
    ["/v2/models/iris-logistic/versions/-1/infer", 404, "version_not_found", '"-1"'],
    ["/models/no-such-model", 404, "model_not_found", 'No model named "no-such-model"'],
    [
      "/models/iris-logistic/versions/7",
      404,
      "version_not_found",
      "no version 7: its versions are 1",
    ],
    ["/", 405, "method_not_allowed", "/ does not support POST: use GET or HEAD"],
    ["/models", 404, "route_not_found", "POST /models is not a route"],
    ["/predict", 404, "route_not_found", "/predict"],
    ["/v2/model/iris-logistic/infer", 404, "route_not_found", "/v2/model/iris-logistic/infer"],
    ["/v2/models/iris-logistic/predict", 404, "route_not_found", "POST /v2/models/{model}/infer"],
  ])("POST %s fails with %i %s", async (path, status, code, message) => {
    expectError(await post(path, GOOD), path, status, code, message);
  });

  test.each([
    ["GET", INFER, "POST"],
    ["PUT", INFER, "POST"],
    ["OPTIONS", INFER, "POST"],
    ["GET", "/models/iris-logistic", "POST"],
    ["DELETE", "/models/iris-logistic/versions/1", "POST"],
    ["POST", "/v2", "GET, HEAD"],
    ["POST", "/v2/health/live", "GET, HEAD"],
    ["POST", "/v2/models/iris-logistic", "GET, HEAD"],
    ["PATCH", "/v2/models/iris-logistic/ready", "GET, HEAD"],
  ])("%s %s is refused with the allowed methods", async (method, path, allowed) => {
    const response = await service.request(path, { method });
    const message = `${path} does not support ${method}: use ${allowed.replace(", ", " or ")}.`;
    expectError(response, path, 405, "method_not_allowed", message);
    expect(response.headers.get("allow")).toBe(allowed);
  });
});

describe("bodies", () => {
  const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => new Uint8Array(values);

  test.each<[what: string, body: Body, code: string, message: string]>([
    ["an empty body", "", "empty_body", "The body is empty"],
    ["a text", "hello", "invalid_json", "The body is not JSON: "],
    ["a JSON text that breaks off", GOOD.slice(0, -1), "invalid_json", "The body is not JSON: "],
    ["JSON with something behind it", `${GOOD}x`, "invalid_json", "The body is not JSON: "],
    ["NaN as a number", '{"inputs": NaN}', "invalid_json", "The body is not JSON: "],
    ["a comment", `/* */${GOOD}`, "invalid_json", "The body is not JSON: "],
    ["bytes that are no UTF-8", bytes(0x22, 0xff, 0x22), "invalid_json", "it is not UTF-8"],
    ["an encoded surrogate", bytes(0x22, 0xed, 0xa0, 0x80, 0x22), "invalid_json", "not UTF-8"],
    ["UTF-16", bytes(0xff, 0xfe, 0x7b, 0), "invalid_json", "it is not UTF-8"],
    ["a number", "1", "invalid_request", "The body is not valid: expected object; got 1"],
    ["null", "null", "invalid_request", "The body is not valid: expected object; got null"],
    [
      "an array",
      "[]",
      "invalid_request",
      "The body is not valid: expected object; got an array of 0",
    ],
  ])("%s is refused by %s", async (_, body, code, message) => {
    expectError(await post(INFER, body), INFER, 400, code, message);
  });

  test.each(["br", "zstd", "compress", "gzip, gzip"])(
    "a body with content-encoding %s is refused",
    async (encoding) => {
      const response = await post(INFER, GOOD, { "content-encoding": encoding });
      const message = `content-encoding "${encoding}"`;
      expectError(response, INFER, 415, "unsupported_media_type", message);
    },
  );

  test.each([
    ["identity", Buffer.from(GOOD)],
    ["gzip", gzipSync(GOOD)],
    ["x-gzip", gzipSync(GOOD)],
    ["GZIP", gzipSync(GOOD)],
    ["deflate", deflateSync(GOOD)],
  ])("a body with content-encoding %s is decompressed", async (encoding, body) => {
    const response = await post(INFER, new Uint8Array(body), { "content-encoding": encoding });
    expect(response).toMatchObject({ status: 200, body: { outputs: [{ data: [0] }, {}] } });
  });

  test.each([
    ["gzip", Buffer.from(GOOD)],
    ["gzip", gzipSync(GOOD).subarray(0, -12)],
    ["deflate", gzipSync(GOOD)],
  ])("a body that is not valid %s is refused", async (encoding, body) => {
    const response = await post(INFER, new Uint8Array(body), { "content-encoding": encoding });
    expectError(response, INFER, 400, "invalid_request", `The body is not valid ${encoding} data`);
  });

  test("a small body that decompresses beyond the limit is refused", async () => {
    const body = gzipSync(GOOD.padEnd(100 * LIMIT_BYTES));
    expect(body.length).toBeLessThan(LIMIT_BYTES);
    const response = await post(INFER, new Uint8Array(body), { "content-encoding": "gzip" });
    expectError(response, INFER, 413, "body_too_large", `the limit of ${LIMIT_BYTES} bytes`);
  });

  test("a body with the size of the limit is accepted, also if padded", async () => {
    const response = await post(INFER, GOOD.padEnd(LIMIT_BYTES));
    expect(response.status).toBe(200);
  });

  test.each([INFER, "/models/iris-logistic"])(
    "a body over the limit is refused by %s",
    async (path) => {
      const response = await post(path, GOOD.padEnd(LIMIT_BYTES + 1));
      expectError(response, path, 413, "body_too_large", `the limit of ${LIMIT_BYTES} bytes`);
      expect(response.body).toMatchObject({ details: { limitBytes: LIMIT_BYTES } });
    },
  );

  test("a body whose content-length is over the limit is refused before it is sent", async () => {
    const headers = { "content-length": LIMIT_BYTES + 1 };
    const response = await send(INFER, [], { end: false, headers });
    expect(response).toMatchObject({ status: 413, body: { code: "body_too_large" } });
  });

  test("a body without content-length is counted while it is read", async () => {
    const chunk = " ".repeat(1000);
    const within = await send(INFER, [GOOD, ...Array.from({ length: 99 }, () => chunk)]);
    expect(within.status).toBe(200);
    const beyond = await send(INFER, [GOOD, ...Array.from({ length: 100 }, () => chunk)]);
    expect(beyond).toMatchObject({ status: 413, body: { code: "body_too_large" } });
  });

  test("a body without an end is refused at the limit", async () => {
    const chunks = Array.from({ length: LIMIT_BYTES / 1000 + 1 }, () => " ".repeat(1000));
    const response = await send(INFER, chunks, { end: false });
    expect(response).toMatchObject({ status: 413, body: { code: "body_too_large" } });
  });
});

describe("inference requests", () => {
  const inputs = (value: unknown): string => JSON.stringify({ inputs: value });

  test.each<[what: string, body: string, code: string, message: string]>([
    ["no inputs", "{}", "invalid_request", "inputs is not valid: expected array; got nothing"],
    ["inputs by name", inputs({ features: [1] }), "invalid_request", "got an object"],
    [
      "numbers as inputs",
      inputs([1]),
      "invalid_request",
      "inputs[0] is not valid: expected object; got 1",
    ],
    [
      "a number as id",
      JSON.stringify({ id: 1, inputs: [good] }),
      "invalid_request",
      "id is not valid: expected string; got 1",
    ],
    [
      "parameters in an array",
      JSON.stringify({ inputs: [good], parameters: [] }),
      "invalid_request",
      "parameters is not valid: expected object; got an array of 0",
    ],
    [
      "an empty list of inputs",
      inputs([]),
      "invalid_input",
      'Missing input "features": the model takes "features" (FP32 [batch, 4])',
    ],
    ["an input twice", inputs([good, good]), "invalid_input", 'Input "features" is given twice'],
    [
      "an input too many",
      inputs([good, { ...good, name: "more" }]),
      "invalid_input",
      'The model has no input "more"',
    ],
    [
      "a misspelt input",
      flower({ name: "feature" }),
      "invalid_input",
      'The model has no input "feature": it takes "features" (FP32 [batch, 4])',
    ],
    [
      "an input without a name",
      flower({ name: undefined }),
      "invalid_request",
      "inputs[0].name is not valid: expected string; got nothing",
    ],
    [
      "a number as name",
      flower({ name: 1 }),
      "invalid_request",
      "inputs[0].name is not valid: expected string; got 1",
    ],
    [
      "no datatype",
      flower({ datatype: undefined }),
      "invalid_request",
      "inputs[0].datatype is not valid: expected string; got nothing",
    ],
    ["an unknown datatype", flower({ datatype: "float32" }), "invalid_datatype", 'got "float32"'],
    [
      "another datatype",
      flower({ datatype: "FP64" }),
      "invalid_datatype",
      "expected datatype FP32, got FP64",
    ],
    [
      "a deep datatype",
      GOOD.replace('"FP32"', deep),
      "invalid_request",
      "inputs[0].datatype is not valid: expected string; got an array of 1",
    ],
    [
      "no shape",
      flower({ shape: undefined }),
      "invalid_request",
      "inputs[0].shape is not valid: expected array; got nothing",
    ],
    [
      "a number as shape",
      flower({ shape: 4 }),
      "invalid_request",
      "inputs[0].shape is not valid: expected array; got 4",
    ],
    [
      "another rank",
      flower({ shape: [4] }),
      "invalid_shape",
      "expected shape [batch, 4], got [4]: it has 1 dimensions instead of 2",
    ],
    [
      "another dimension",
      flower({ shape: [2, 2] }),
      "invalid_shape",
      "expected shape [batch, 4], got [2, 2]: dimension 1 must be 4",
    ],
    ["a negative dimension", flower({ shape: [-1, 4] }), "invalid_shape", "got -1 as dimension 0"],
    [
      "a fraction as dimension",
      flower({ shape: [0.25, 16] }),
      "invalid_shape",
      "got 0.25 as dimension 0",
    ],
    [
      "a shape that overflows",
      GOOD.replace("[1,4]", "[16,1152921504606846978]"),
      "invalid_shape",
      "got 1152921504606846978 as dimension 1",
    ],
    [
      "a shape that overflows later",
      flower({ shape: [2 ** 30, 4] }),
      "invalid_shape",
      "but data has 4",
    ],
    [
      "a deep shape",
      GOOD.replace("[1,4]", deep),
      "invalid_shape",
      "got an array of 1 as dimension 0",
    ],
    [
      "no data",
      flower({ data: undefined }),
      "invalid_input",
      'Input "features": data must be an array of 4 elements',
    ],
    ["text as data", flower({ data: "AAA=" }), "invalid_input", 'got "AAA="'],
    [
      "too few data",
      flower({ data: [1, 2, 3] }),
      "invalid_shape",
      "the shape [1, 4] has 4 elements, but data has 3",
    ],
    [
      "too many data",
      flower({ data: [1, 2, 3, 4, 5] }),
      "invalid_shape",
      "has 4 elements, but data has 5",
    ],
    [
      "ragged data",
      flower({ shape: [2, 4], data: [[1, 2, 3, 4], [5]] }),
      "invalid_shape",
      "data[1] must be an array of 4 elements",
    ],
    [
      "data that is nested too deeply",
      GOOD.replace(/"data":\[.*?\]/, `"data":${tooDeep}`),
      "invalid_json",
      "The body is nested too deeply: more than 64 arrays and objects inside one another.",
    ],
    [
      "deep data",
      GOOD.replace(/"data":\[.*?\]/, `"data":${deep}`),
      "invalid_shape",
      "data[0] must be an array of 4 elements",
    ],
    [
      "a text among numbers",
      flower({ data: [1, "2", 3, 4] }),
      "invalid_datatype",
      "element 1 of its FP32 data must be a number",
    ],
    [
      "null among numbers",
      flower({ data: [1, 2, 3, null] }),
      "invalid_datatype",
      "element 3 of its FP32 data",
    ],
    [
      "a number beyond FP32",
      flower({ data: [1, 2, 1e39, 4] }),
      "value_out_of_range",
      "element 2 of its FP32 data",
    ],
    ["a number beyond FP64", GOOD.replace("5.1", "1e999"), "value_out_of_range", "got 1e999"],
    ["NaN among numbers", GOOD.replace("5.1", "NaN"), "invalid_json", "The body is not JSON"],
    [
      "an unknown output",
      JSON.stringify({ inputs: [good], outputs: [{ name: "scores" }] }),
      "unknown_output",
      'The model has no output "scores": its outputs are "label" (INT64 [batch]), "probabilities" (FP32 [batch, 3])',
    ],
    [
      "an output twice",
      JSON.stringify({ inputs: [good], outputs: [{ name: "label" }, { name: "label" }] }),
      "invalid_request",
      '"outputs" names an output twice',
    ],
    [
      "outputs that are no list",
      JSON.stringify({ inputs: [good], outputs: { name: "label" } }),
      "invalid_request",
      "outputs is not valid: expected array; got an object",
    ],
    [
      "outputs as texts",
      JSON.stringify({ inputs: [good], outputs: ["label"] }),
      "invalid_request",
      'outputs[0] is not valid: expected object; got "label"',
    ],
    [
      "an output without a name",
      JSON.stringify({ inputs: [good], outputs: [{}] }),
      "invalid_request",
      "outputs[0].name is not valid: expected string; got nothing",
    ],
  ])("%s are refused", async (_, body, code, message) => {
    expectError(await post(INFER, body), INFER, 400, code, message);
  });
});

describe("the task API", () => {
  const toBody = (inputs: unknown, rest: object = {}): string =>
    JSON.stringify({ inputs, ...rest });
  const row = [5.1, 3.5, 1.4, 0.2];

  test.each<[model: string, body: string, status: number, code: string, message: string]>([
    [
      "iris-logistic",
      "",
      400,
      "empty_body",
      'The body is empty: send {"inputs": ...} as JSON, or the input itself as text/csv.',
    ],
    ["iris-logistic", "5.1, 3.5, 1.4, 0.2", 400, "invalid_json", "The body is not JSON"],
    [
      "iris-logistic",
      "[5.1, 3.5, 1.4, 0.2]",
      400,
      "invalid_request",
      'such as {"inputs": ...}; got an array of 4',
    ],
    ["iris-logistic", "{}", 400, "invalid_request", "got an object with no fields"],
    ["iris-logistic", '{"input": []}', 400, "invalid_request", 'got an object with "input"'],
    [
      "iris-logistic",
      toBody(row, { option: {} }),
      400,
      "invalid_request",
      'Unknown field "option": the body has "inputs" and "parameters"',
    ],
    [
      "iris-logistic",
      toBody(row, { parameters: [] }),
      400,
      "invalid_request",
      '"parameters" must be a JSON object; got an array of 0',
    ],
    ["iris-logistic", toBody(row, { parameters: { top_k: 0 } }), 400, "invalid_request", "top_k"],
    [
      "iris-logistic",
      toBody(row, { parameters: { topk: 1 } }),
      400,
      "invalid_request",
      "(it takes header, delimiter, top_k, function_to_apply)",
    ],
    [
      "diabetes-linear",
      toBody([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], { parameters: { top_k: 1 } }),
      400,
      "invalid_request",
      "(it takes header, delimiter)",
    ],
    [
      "iris-kmeans",
      toBody(row, { parameters: { top_k: 1 } }),
      400,
      "invalid_request",
      "(it takes header, delimiter)",
    ],
    [
      "iris-logistic",
      toBody([5.1, 3.5, 1.4]),
      400,
      "invalid_shape",
      "inputs has 3 values, but the model takes 4: sepal length (cm), sepal width (cm)",
    ],
    ["iris-logistic", toBody([row, [1]]), 400, "invalid_shape", "inputs[1] has 1 values"],
    [
      "iris-logistic",
      toBody({ "sepal length (cm)": 5.1 }),
      400,
      "invalid_input",
      "missing: sepal width (cm), petal length (cm), petal width (cm)",
    ],
    [
      "iris-logistic",
      toBody("setosa"),
      400,
      "invalid_input",
      "inputs must be a row of 4 values (sepal length (cm)",
    ],
    [
      "iris-logistic",
      toBody([5.1, 3.5, 1.4, "0.2"]),
      400,
      "invalid_datatype",
      'inputs, column "petal width (cm)" must be a number; got "0.2"',
    ],
    ["iris-logistic", toBody([5.1, 3.5, 1.4, 1e40]), 400, "value_out_of_range", "got 1e+40"],
    [
      "iris-logistic",
      toBody([5.1, 3.5, 1.4, "NaN"]),
      400,
      "invalid_input",
      'must be a number; got "NaN", a missing value',
    ],
    [
      "digits-cnn",
      toBody([
        [1, 2],
        [3, 4],
      ]),
      400,
      "invalid_shape",
      "must be an array of shape [8, 8], or a list of such arrays; got one of shape [2, 2]",
    ],
    ["digits-cnn", `{"inputs": ${deep}}`, 400, "invalid_input", "must be an array of shape [8, 8]"],
    [
      "language-identification",
      toBody(1),
      400,
      "invalid_input",
      "inputs must be a text or a list of texts; got 1",
    ],
    [
      "language-identification",
      toBody(["a", null]),
      400,
      "invalid_input",
      "inputs[1] must be a text; got null",
    ],
    [
      "language-identification",
      toBody(""),
      400,
      "invalid_input",
      'inputs has no letters, which this model needs; got "".',
    ],
  ])("the task of %s refuses the body %s", async (model, body, status, code, message) => {
    const path = `/models/${model}`;
    const response = await post(path, body, { "content-type": "application/json" });
    expectError(response, path, status, code, message);
  });

  test("the task API refuses a model without a task, and names the infer route", async () => {
    const model = findModel("iris-kmeans");
    const { task: _, preprocess: __, postprocess: ___, ...manifest } = model.manifest;
    const id = { name: "tensors-only", version: "1" };
    await publishAs(service.bucket, { ...model, manifest }, id);
    const path = "/models/tensors-only";
    const message = "send tensors to /v2/models/tensors-only/infer";
    expectError(await post(path, toBody(row)), path, 501, "task_not_supported", message);
    const clusters = readExpected("iris-kmeans");
    const response = await service.post(`/v2${path}/infer`, { inputs: clusters.inputs });
    expectOutputs(response.body, clusters);
  });
});

interface RawResponse {
  status: number;
  body: unknown;
}

/** POSTs chunks, with chunked encoding unless `headers` say how long; without `end` the body never says that it is complete. */
function send(
  path: string,
  chunks: readonly string[],
  { end = true, headers = {} }: { end?: boolean; headers?: Record<string, number> } = {},
): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${service.origin}${path}`,
      { method: "POST", headers },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          text += part;
        });
        response.once("error", reject);
        response.once("end", () => {
          outgoing.destroy();
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) });
        });
      },
    );
    outgoing.once("error", reject);
    outgoing.flushHeaders();
    for (const chunk of chunks) outgoing.write(chunk);
    if (end) outgoing.end();
  });
}
