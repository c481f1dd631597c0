import { describe, expect, test } from "vitest";
import { parseConfig } from "../../../src/config.ts";
import { type Tensor, toBytes } from "../../../src/domain/tensor.ts";
import { createTestApp } from "../../support/test-app.ts";

/** Triton's extensions of the Open Inference Protocol by `app.request`. */

const LABEL: Tensor = {
  name: "label",
  datatype: "INT64",
  shape: [1],
  data: toBytes(BigInt64Array.of(2n)),
};
const FEATURES = { name: "features", datatype: "FP32", shape: [1, 4], data: [1, 2, 3, 4] };

function createInferApp() {
  const timeouts: number[] = [];
  const app = createTestApp({
    async infer(_, call) {
      timeouts.push(call.deadline.timeoutMs);
      return [LABEL];
    },
  });
  const infer = async (body: string | object) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const init = { method: "POST", body: text };
    const response = await app.request("/v2/models/iris-logistic/infer", init);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return { infer, timeouts };
}

describe("timeout and priority", () => {
  test.each([
    ["5000000", 5000],
    ["0", 10_000],
    ["null", 10_000],
    ["18446744073709551615", 10_000],
    ["9007199254740993", 10_000],
    ['"5000000"', 5000],
    ["5e6", 5000],
  ])("of %s are accepted, and the deadline is at most the server's", async (text, timeoutMs) => {
    const { infer, timeouts } = createInferApp();
    const parameters = `{"timeout": ${text}, "priority": ${text}}`;
    const body = `{"parameters": ${parameters}, "inputs": [${JSON.stringify(FEATURES)}]}`;
    expect(await infer(body)).toMatchObject({ status: 200 });
    expect(timeouts).toEqual([timeoutMs]);
  });

  test.each(["-1", "1.5", "18446744073709551616", "1e400", '"1e3"', "true", "[]", "{}", '""'])(
    "of %s are refused, and quoted",
    async (text) => {
      const { infer } = createInferApp();
      for (const name of ["timeout", "priority"]) {
        const body = `{"parameters": {"${name}": ${text}}, "inputs": [${JSON.stringify(FEATURES)}]}`;
        const { status, body: error } = await infer(body);
        expect(status).toBe(400);
        expect(error.error).toContain(`parameters.${name} must be an integer`);
        if (/^[\d"-]/.test(text)) expect(error.error).toContain(`got ${text}.`);
      }
    },
  );
});

describe("shared memory", () => {
  const parameters = {
    shared_memory_region: "r",
    shared_memory_byte_size: 16,
    shared_memory_offset: 0,
  };

  test("of an input is refused, with the way to send it", async () => {
    const { data: _, ...input } = FEATURES;
    expect(await createInferApp().infer({ inputs: [{ ...input, parameters }] })).toMatchObject({
      status: 400,
      body: {
        error: expect.stringMatching(
          /Input "features": the parameter "shared_memory_region".*not supported/,
        ),
      },
    });
  });

  test("of an output is refused, unless it is null", async () => {
    const request = (given: object) => ({
      inputs: [FEATURES],
      outputs: [{ name: "label", parameters: given }],
    });
    const { infer } = createInferApp();
    expect(await infer(request(parameters))).toMatchObject({ status: 400 });
    expect(await infer(request({ shared_memory_region: null }))).toMatchObject({ status: 200 });
  });
});

test.each([
  ...["system", "cuda"].flatMap((kind) => [
    ["GET", `/v2/${kind}sharedmemory/status`],
    ["GET", `/v2/${kind}sharedmemory/region/r/status`],
    ["POST", `/v2/${kind}sharedmemory/region/r/register`],
    ["POST", `/v2/${kind}sharedmemory/region/r/unregister`],
    ["POST", `/v2/${kind}sharedmemory/unregister`],
  ]),
  ...["GET", "POST"].flatMap((method) =>
    ["trace/setting", "models/iris-logistic/trace/setting", "logging"].map((path) => [
      method,
      `/v2/${path}`,
    ]),
  ),
])("%s %s is not supported, and says so", async (method, path) => {
  const response = await createTestApp().request(path as string, { method: method as string });
  expect(response.status).toBe(501);
  expect(await response.json()).toMatchObject({
    code: "not_supported",
    error: expect.stringContaining("is not supported by this server"),
  });
});

test.each([
  ["", false],
  ["isolate", true],
])("the configuration tells whether predictions are cached (tiers %j)", async (tiers, enable) => {
  const app = createTestApp({
    config: parseConfig({ CACHE_TIERS: tiers, PUBLIC_PREDICT: "true" }),
  });
  const response = await app.request("/v2/models/iris-logistic/config");
  expect(await response.json()).toMatchObject({ response_cache: { enable } });
});
