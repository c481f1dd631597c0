import { readFileSync } from "node:fs";
import OpenAI, { APIError, BadRequestError, NotFoundError } from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { disclosing, findModel, publishAs } from "../support/publish.ts";
import { type Service, startService } from "../support/service.ts";
import { EXPECTED_FOLDER } from "../support/tensors.ts";

/** OpenAI's own client with the Worker in workerd. */

const { texts } = JSON.parse(
  readFileSync(`${EXPECTED_FOLDER}/sentence-embeddings-texts.json`, "utf8"),
) as { texts: { text: string; ids: number[]; embedding: number[] }[] };
const [
  first = { text: "", ids: [], embedding: [] },
  second = { text: "", ids: [], embedding: [] },
] = texts;
const model = "sentence-embeddings";

let service: Service;
let client: OpenAI;

beforeAll(async () => {
  service = await startService({ models: [model, "iris-logistic"] });
  // The key of a client is accepted, and not checked.
  client = new OpenAI({ baseURL: `${service.origin}/v1`, apiKey: "sk-any", maxRetries: 0 });
});

afterAll(() => service?.dispose());

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, index) => sum + value * (y[index] ?? 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

async function failure(promise: Promise<unknown>): Promise<APIError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof APIError)) throw new Error(`no error of the API: ${error}`);
  return error;
}

describe("embeddings", () => {
  test("the embedding of a text is that of PyTorch", async () => {
    const {
      object,
      data,
      model: returned,
      usage,
    } = await client.embeddings.create({
      model,
      input: first.text,
    });
    expect({ object, returned }).toEqual({ object: "list", returned: model });
    expect(data).toMatchObject([{ object: "embedding", index: 0 }]);
    expect(cosine(data[0]?.embedding ?? [], first.embedding)).toBeGreaterThan(0.98);
    expect(usage).toEqual({ prompt_tokens: first.ids.length, total_tokens: first.ids.length });
  });

  test("embeddings are the same as numbers, as Base64 and from token ids", async () => {
    const input = [first.text, second.text];
    const asFloats = await client.embeddings.create({ model, input, encoding_format: "float" });
    // Without a format the client requests Base64 and decodes it itself.
    const decoded = await client.embeddings.create({ model, input });
    const tokens = [first.ids, second.ids];
    const fromTokens = await client.embeddings.create({
      model,
      input: tokens,
      encoding_format: "float",
    });
    const asBase64 = await client.embeddings.create({ model, input, encoding_format: "base64" });
    expect(decoded.data).toEqual(asFloats.data);
    expect(fromTokens).toEqual(asFloats);
    for (const [index, { embedding }] of asBase64.data.entries()) {
      const bytes = Buffer.from(embedding, "base64");
      const floats = Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(4 * at));
      expect(floats).toEqual(asFloats.data[index]?.embedding);
    }
    const one = await client.embeddings.create({
      model,
      input: first.ids,
      encoding_format: "float",
    });
    expect(one.data).toHaveLength(1);
    expect(cosine(one.data[0]?.embedding ?? [], first.embedding)).toBeGreaterThan(0.98);
  });

  test("dimensions must be the size of the vectors", async () => {
    const { data } = await client.embeddings.create({ model, input: "a", dimensions: 384 });
    expect(data[0]?.embedding).toHaveLength(384);
    const error = await failure(client.embeddings.create({ model, input: "a", dimensions: 256 }));
    expect(error).toBeInstanceOf(BadRequestError);
    expect(error).toMatchObject({ param: "dimensions", type: "invalid_request_error" });
    expect(error.message).toContain("have 384 dimensions, and cannot be shortened");
  });

  test("a text that is too long for the model is refused, or truncated on request", async () => {
    const input = "word ".repeat(600);
    const error = await failure(client.embeddings.create({ model, input: ["a", input] }));
    expect(error).toMatchObject({ status: 400, code: "invalid_input", param: "input" });
    expect(error.message).toContain("input[1] has 602 tokens: this model reads 256 at most.");
    const extended = { model, input, encoding_format: "float" as const, truncate: true };
    const { usage } = await client.embeddings.create(extended);
    expect(usage.prompt_tokens).toBe(256);
  });

  test.each([
    ["an empty text", { input: "" }, "input"],
    ["an empty list", { input: [] }, "input"],
    ["a number", { input: 5 }, "input"],
    ["a list of texts and tokens", { input: ["a", [1]] }, "input"],
    ["more texts than 2048", { input: Array.from({ length: 2049 }, () => "a") }, "input"],
    ["tokens that the model does not have", { input: [[101, 40_000, 102]] }, "input"],
    ["another encoding", { input: "a", encoding_format: "hex" }, "encoding_format"],
  ])("a request with %s is refused", async (_, change, param) => {
    const body = { model, ...change } as Parameters<typeof client.embeddings.create>[0];
    const error = await failure(client.embeddings.create(body));
    expect(error).toMatchObject({ status: 400, type: "invalid_request_error", param });
    expect(error.message).not.toContain("Invalid input");
  });

  test("the error for an unknown field names it", async () => {
    const response = await service.post("/v1/embeddings", { model, input: "a", colour: 1 });
    expect(response).toMatchObject({ status: 400, body: { error: { code: "invalid_request" } } });
    expect(JSON.stringify(response.body)).toContain("colour");
  });

  test("embeddings of an unknown model, or of one without embeddings, are refused", async () => {
    const missing = await failure(
      client.embeddings.create({ model: "text-embedding-3-small", input: "a" }),
    );
    expect(missing).toBeInstanceOf(NotFoundError);
    expect(missing).toMatchObject({ code: "model_not_found", param: "model" });
    const other = await failure(client.embeddings.create({ model: "iris-logistic", input: "a" }));
    expect(other).toMatchObject({ status: 400, code: "invalid_request", param: "model" });
    expect(other.message).toContain("tabular-classification");
  });

  test("embeddings are cached like every other prediction", async () => {
    const cached = await startService({ models: [], vars: { CACHE_TIERS: "isolate" } });
    const published = disclosing(findModel(model));
    await publishAs(cached.bucket, published, published.manifest);
    try {
      const body = { model, input: first.text };
      const before = await cached.post("/v1/embeddings", body);
      const after = await cached.post("/v1/embeddings", body);
      expect(after.body).toEqual(before.body);
      expect(after.headers.get("cache-status")).toContain("hit");
      const named = await cached.post("/v1/embeddings", { ...body, model: `${model}@1` });
      expect(named.body).toMatchObject({ model: `${model}@1`, data: [{ index: 0 }] });
      const again = await cached.post("/v1/embeddings", { ...body, model: `${model}@1` });
      expect(again.body).toEqual(named.body);
      expect(again.headers.get("etag")).toBe(named.headers.get("etag"));
      // The same vector from the task API, from the same tensors.
      const task = await cached.post(`/models/${model}`, { inputs: [first.text] });
      expect(task.headers.get("cache-status")).toContain("hit");
      expect(task.headers.get("etag")).not.toBe(after.headers.get("etag"));
    } finally {
      await cached.dispose();
    }
  });
});

test("token ids of another tokenizer are refused, with what helps in LangChain", async () => {
  // "The cat sits outside." by cl100k_base of tiktoken, as LangChain sends it.
  const input = [[791, 8415, 23555, 4994, 13]];
  const error = await failure(client.embeddings.create({ model, input }));
  expect(error).toMatchObject({ status: 400, param: "input" });
  expect(error.message).toContain("check_embedding_ctx_length=False");
});

describe("models", () => {
  test("the models are listed", async () => {
    const models = [];
    for await (const entry of client.models.list()) models.push(entry);
    expect(models).toEqual([
      { id: "iris-logistic", object: "model", created: 1795305600, owned_by: "onnxflare" },
      { id: model, object: "model", created: 1795305600, owned_by: "onnxflare" },
    ]);
    expect(new Date(1795305600 * 1000).toISOString()).toBe("2026-11-22T00:00:00.000Z");
  });

  test("a model can be retrieved by its name", async () => {
    expect(await client.models.retrieve(model)).toMatchObject({ id: model, object: "model" });
    const error = await failure(client.models.retrieve("gpt-5"));
    expect(error).toMatchObject({ status: 404, code: "model_not_found", param: "model" });
  });
});

test("errors of every kind have OpenAI's form", async () => {
  const route = await service.request("/v1/images/generations", { method: "POST", body: "{}" });
  expect(route).toMatchObject({
    status: 404,
    body: { error: { type: "invalid_request_error", param: null, code: "route_not_found" } },
  });
  const method = await service.request("/v1/embeddings");
  expect(method).toMatchObject({ status: 405, body: { error: { code: "method_not_allowed" } } });
  expect(method.headers.get("allow")).toBe("POST");
  const json = await service.request("/v1/embeddings", { method: "POST", body: "{" });
  expect(json).toMatchObject({ status: 400, body: { error: { code: "invalid_json" } } });
});
