import { afterAll, beforeAll, expect, test } from "vitest";
import { findModel, publishAs } from "../support/publish.ts";
import { type Service, startService } from "../support/service.ts";
import { store } from "../support/stored-model.ts";
import { readExpected } from "../support/tensors.ts";

/** Which responses are compressed: those to clients that accept it, and under `/v2` only predictions. */

const ACCEPT = { "accept-encoding": "gzip, deflate, br" };
const MODEL = "language-identification";

let service: Service;

beforeAll(async () => {
  service = await startService({ models: [MODEL] });
  // Long names, so that responses with them are large enough to be compressed.
  for (let index = 10; index < 30; index++)
    await publishAs(service.bucket, findModel("iris-kmeans"), {
      name: `${index}-${"x".repeat(40)}`,
      version: "1",
    });
});

afterAll(() => service?.dispose());

test("a prediction is compressed, and no proxy compresses it again", async () => {
  const { inputs } = readExpected(MODEL);
  const response = await service.post(`/v2/models/${MODEL}/infer`, { inputs }, ACCEPT);
  expect(response.headers.get("content-encoding")).toBe("gzip");
  expect(response.headers.get("cache-control")).toBe("private, no-transform");
  expect(response.body).toMatchObject({ model_name: MODEL });
});

test.each([
  ["POST", "/v2/repository/index"],
  ["GET", "/v2/models/stats"],
])(
  "the response to %s %s is not compressed: tritonclient's asyncio client would not decompress it",
  async (method, path) => {
    const response = await service.request(path, { method, headers: ACCEPT });
    expect(JSON.stringify(response.body).length).toBeGreaterThan(1024);
    expect(response.headers.get("content-encoding")).toBeNull();
    expect(response.headers.get("cache-control")).toBe("private, no-transform");
  },
);

test("an error is not compressed", async () => {
  // It lists the model's inputs, which are as long as the model has them.
  const spec = { datatype: "FP32", shape: ["n"] } as const;
  await store(service.bucket, "long-input", {
    inputs: [{ name: "x".repeat(2000), ...spec }],
    outputs: [{ name: "y", ...spec }],
    nodes: [{ op: "Identity", inputs: ["x".repeat(2000)], outputs: ["y"] }],
  });
  const response = await service.post("/v2/models/long-input/infer", { inputs: [] }, ACCEPT);
  expect(response.status).toBe(400);
  expect(JSON.stringify(response.body).length).toBeGreaterThan(1024);
  expect(response.headers.get("content-encoding")).toBeNull();
  expect(response.headers.get("cache-control")).toBe("private, no-transform");
});
