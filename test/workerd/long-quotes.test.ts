import { afterAll, beforeAll, expect, test } from "vitest";
import {
  ADMIN_KEY,
  type AdministeredService,
  startAdministeredService,
} from "../support/administration.ts";
import type { Graph } from "../support/onnx-builder.ts";
import type { TestResponse } from "../support/service.ts";

/** Errors quote parts of the request, but never at full length. */

const LONG = "x".repeat(5000);
const MANY = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`${LONG}${index}`, 1]));
const IRIS = "/models/iris-logistic";
const INFER = `/v2${IRIS}/infer`;
const INPUT = { name: "features", datatype: "FP32", shape: [1, 4], data: [1, 2, 3, 4] };

/** A model with an operator that the engine does not have and names in its error. */
const longOperator: Graph = {
  inputs: [{ name: "x", datatype: "FP32", shape: ["n"] }],
  outputs: [{ name: "y", datatype: "FP32", shape: ["n"] }],
  nodes: [{ op: LONG, inputs: ["x"], outputs: ["y"] }],
};

let service: AdministeredService;

beforeAll(async () => {
  service = await startAdministeredService({
    models: [
      "iris-logistic",
      "language-identification",
      "sentence-embeddings",
      "imagenet-classification",
      "voice-activity",
    ],
  });
});

afterAll(() => service?.dispose());

const post = (path: string, value: unknown) => () => service.post(path, value);
const administer = (path: string, value: unknown) => () =>
  service.post(path, value, { authorization: `Bearer ${ADMIN_KEY}` });
const send =
  (path: string, headers: Record<string, string>, body = "x") =>
  () =>
    service.request(path, { method: "POST", headers, body });
const get = (path: string) => () => service.request(path);

function form(name: string, value: string): () => Promise<TestResponse> {
  const body = new FormData();
  body.set("inputs", "a text");
  body.set(name, value);
  return () => service.request("/models/language-identification", { method: "POST", body });
}

test.each<[what: string, request: () => Promise<TestResponse>]>([
  ["a path", get(`/${LONG}`)],
  ["a path with another method", get(`/models/${LONG}`)],
  ["a model's name", post(`/models/${LONG}`, {})],
  ["a model's name under /v2", get(`/v2/models/${LONG}`)],
  ["a model's name in a body", post("/v1/embeddings", { model: LONG, input: "a" })],
  ["a version", get(`/v2${IRIS}/versions/${LONG}`)],
  ["a field", post(IRIS, { inputs: [1, 2, 3, 4], [LONG]: 1 })],
  ["many fields", post(IRIS, { inputs: [1, 2, 3, 4], ...MANY })],
  ["fields without inputs", post(IRIS, { [LONG]: 1 })],
  ["fields of an embedding", post("/v1/embeddings", { model: "a", input: "a", ...MANY })],
  ["a parameter", post(IRIS, { inputs: [1, 2, 3, 4], parameters: { [LONG]: 1 } })],
  ["many parameters", post(IRIS, { inputs: [1, 2, 3, 4], parameters: MANY })],
  ["a parameter in the query", post(`${IRIS}?${LONG}=1`, { inputs: [1, 2, 3, 4] })],
  ["columns of a row", post(IRIS, { inputs: MANY })],
  ["columns of a table", send(IRIS, { "content-type": "text/csv" }, `${LONG}1,${LONG}2,${LONG}2`)],
  ["a cell", post(IRIS, { inputs: [1, 2, 3, LONG] })],
  ["a text as inputs", post(IRIS, { inputs: LONG })],
  ["an image that is no base64", post("/models/imagenet-classification", { inputs: `!${LONG}` })],
  ["a data URL's type", post("/models/voice-activity", { inputs: `data:${LONG};base64,AAAA` })],
  [
    "fields of a comparison",
    post("/models/sentence-embeddings", {
      inputs: { source_sentence: "a", sentences: ["b"], ...MANY },
    }),
  ],
  ["a content-type", send(IRIS, { "content-type": `image/${LONG}` })],
  ["a form's field", form(LONG, "1")],
  ["a content-encoding", send(IRIS, { "content-encoding": LONG })],
  ["a deadline", send(IRIS, { "x-timeout-ms": LONG })],
  ["the length of a header", send(INFER, { "inference-header-content-length": LONG })],
  ["an input's name", post(INFER, { inputs: [{ ...INPUT, name: LONG }] })],
  ["a datatype", post(INFER, { inputs: [{ ...INPUT, datatype: LONG }] })],
  ["an element", post(INFER, { inputs: [{ ...INPUT, data: [1, 2, 3, LONG] }] })],
  ["an output's name", post(INFER, { inputs: [INPUT], outputs: [{ name: LONG }] })],
  ["a model's operator", () => service.publish("long-operator", longOperator)],
  ["what is to be purged", administer("/admin/cache/purge", MANY)],
  [
    "a parameter of the repository",
    administer(`/v2/repository${IRIS}/load`, { parameters: { [`file:${LONG}`]: "" } }),
  ],
])("%s of any length causes a short error", async (_, request) => {
  const { status, body } = await request();
  const text = JSON.stringify(body);
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
  expect(text).toContain("...");
  expect(text.length).toBeLessThan(1200);
});
