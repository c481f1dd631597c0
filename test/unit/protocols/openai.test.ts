import { expect, test } from "vitest";
import { ApiError } from "../../../src/domain/errors.ts";
import type { TaskRequest } from "../../../src/domain/task.ts";
import { createTestApp, unexpected } from "../../support/test-app.ts";

/** OpenAI's API by `app.request`; its own client drives it in workerd. */

const VECTOR = [0.5, -0.25];

function createEmbeddingsApp() {
  const requests: TaskRequest[] = [];
  const app = createTestApp({
    async runTask(_model, request) {
      requests.push(request);
      return { kind: "value", value: [VECTOR], form: "list", usage: { inputTokens: 3 } };
    },
  });
  const embed = (value: unknown): Promise<Response> =>
    app.request("/v1/embeddings", { method: "POST", body: JSON.stringify(value) });
  return { embed, requests };
}

test("embeddings are numbers, with the tokens that the model read", async () => {
  const { embed, requests } = createEmbeddingsApp();
  const response = await embed({ model: "sentence-embeddings", input: "a cat" });
  expect(await response.json()).toEqual({
    object: "list",
    data: [{ object: "embedding", index: 0, embedding: VECTOR }],
    model: "sentence-embeddings",
    usage: { prompt_tokens: 3, total_tokens: 3 },
  });
  expect(requests).toEqual([{ inputs: ["a cat"], parameters: { truncate: false } }]);
});

test("embeddings in Base64 are the bytes of little-endian FP32", async () => {
  const { embed } = createEmbeddingsApp();
  const response = await embed({
    model: "sentence-embeddings",
    input: ["a cat"],
    encoding_format: "base64",
  });
  const { data } = (await response.json()) as { data: { embedding: string }[] };
  const bytes = Buffer.from(data[0]?.embedding ?? "", "base64");
  expect([bytes.readFloatLE(0), bytes.readFloatLE(4)]).toEqual(VECTOR);
});

test("fields of compatible servers are accepted where they cannot change the vectors", async () => {
  const { embed, requests } = createEmbeddingsApp();
  const request = { model: "sentence-embeddings", input: "a cat" };
  const fields: object[] = [
    { user: null, dimensions: null, encoding_format: null, truncate: null, input_type: null },
    { input_type: "query", add_special_tokens: true, modality: "text", priority: 0 },
    { truncate_prompt_tokens: -1 },
    { truncate_prompt_tokens: 256, request_id: "a" },
    { truncate: "NONE" },
  ];
  for (const more of fields) expect((await embed({ ...request, ...more })).status).toBe(200);
  expect(requests).toEqual(
    fields.map(() => ({ inputs: ["a cat"], parameters: { truncate: false } })),
  );
  await embed({ ...request, truncate: "START" });
  expect(requests.at(-1)?.parameters).toEqual({ truncate: true, truncation_direction: "left" });
});

test.each([
  [
    { model: "sentence-embeddings", input: "a", truncate_prompt_tokens: 8 },
    400,
    "invalid_request",
    "truncate_prompt_tokens",
  ],
  [
    { model: "sentence-embeddings", input: "a", add_special_tokens: false },
    400,
    "invalid_request",
    "add_special_tokens",
  ],
  [{ model: "sentence-embeddings", input: [] }, 400, "invalid_request", "input"],
  [{ model: "sentence-embeddings", input: [[]] }, 400, "invalid_request", "input.0"],
  [{ model: "sentence-embeddings", input: ["a", [101, 102]] }, 400, "invalid_request", "input"],
  [{ model: "sentence-embeddings", input: [101, [102]] }, 400, "invalid_request", "input"],
  [{ model: "sentence-embeddings", input: [[[101]]] }, 400, "invalid_request", "input"],
  [{ model: "sentence-embeddings", input: null }, 400, "invalid_request", "input"],
  [{ model: "iris-logistic", input: "a" }, 400, "invalid_request", "model"],
  [{ model: "no-such-model", input: "a" }, 404, "model_not_found", "model"],
  [{ model: "sentence-embeddings", input: "" }, 400, "invalid_request", "input"],
  [
    { model: "sentence-embeddings", input: "a", dimensions: 7 },
    400,
    "invalid_request",
    "dimensions",
  ],
])(
  "the request %j is refused in OpenAI's form, with the field",
  async (value, status, code, param) => {
    const { embed, requests } = createEmbeddingsApp();
    const response = await embed(value);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({
      error: { message: expect.any(String), type: "invalid_request_error", param, code },
    });
    expect(requests).toEqual([]);
  },
);

test("the models are listed by name, and each can be read", async () => {
  const check = async (): Promise<{ state: "ready" }> => ({ state: "ready" });
  const app = createTestApp({ modelReadiness: { check, load: unexpected } });
  const list = (await (await app.request("/v1/models")).json()) as { data: { id: string }[] };
  const ids = list.data.map(({ id }) => id);
  expect(ids).toEqual([...ids].sort());
  expect(ids).toContain("sentence-embeddings");
  const model = await app.request("/v1/models/sentence-embeddings");
  expect(await model.json()).toEqual({
    id: "sentence-embeddings",
    object: "model",
    created: expect.any(Number),
    owned_by: "onnxflare",
    name: "sentence-embeddings",
    ready: true,
    model_version_status: [
      { version: "1", state: "AVAILABLE", status: { error_code: "OK", error_message: "" } },
    ],
  });
});

test.each([
  [{ state: "loading" } as const, "LOADING", "OK", ""],
  [
    { state: "failed", error: new ApiError("model_missing", "It is gone.") } as const,
    "END",
    "UNKNOWN",
    "It is gone.",
  ],
  [
    { state: "absent", error: new ApiError("overloaded", "Try again.") } as const,
    "START",
    "UNAVAILABLE",
    "Try again.",
  ],
])("a model in the state %j is not ready", async (state, name, error_code, error_message) => {
  const app = createTestApp({ modelReadiness: { check: async () => state, load: unexpected } });
  const response = await app.request("/v1/models/iris-logistic");
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({
    id: "iris-logistic",
    ready: false,
    model_version_status: [{ version: "1", state: name, status: { error_code, error_message } }],
  });
});

test("an invalid request counts for no model", async () => {
  const app = createTestApp();
  const responseCache = { accepts: () => true, stores: () => true, lookup: () => undefined };
  const cached = createTestApp({ responseCache });
  for (const each of [app, cached]) {
    // The listing of the model is known from then on.
    await each.request("/v1/models/sentence-embeddings");
    const body = JSON.stringify({ model: "sentence-embeddings", input: "" });
    const headers = { "content-length": String(body.length) };
    const response = await each.request("/v1/embeddings", { method: "POST", body, headers });
    expect([response.status, response.headers.get("x-model-version")]).toEqual([400, null]);
    expect(each.events.at(-1)).toMatchObject({ operation: "createEmbeddings", status: 400 });
    expect(each.events.at(-1)?.model).toBeUndefined();
  }
});
