import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { RequestEvent, TelemetryEvent } from "../../src/domain/event.ts";
import { poll } from "../support/poll.ts";
import { findModel, publishAs } from "../support/publish.ts";
import { startWorkers, type Workers } from "../support/workers.ts";

/** The service in an app of somebody else's, `test/workerd/workers/mounted`. */

const IRIS = [5.1, 3.5, 1.4, 0.2];
const ADMIN_KEY = "a-key-for-tests";
const OTHER_KEY = "another-key";

let workers: Workers;

beforeAll(async () => {
  workers = await startWorkers([
    {
      name: "mounted",
      code: { outdir: inject("testWorkersBuild") },
      bindings: { TEST_WORKER: "mounted", ADMIN_KEY, OTHER_KEY, MAX_QUEUE_MS: "1000000" },
      r2Buckets: { MODELS: "models", OTHER_MODELS: "other-models" },
    },
  ]);
  const iris = findModel("iris-logistic");
  await publishAs(await workers.bucket("MODELS"), iris, iris.manifest);
  await publishAs(await workers.bucket("MODELS"), findModel("pocket-gpt"), {
    name: "pocket-gpt",
    version: "1",
  });
  await publishAs(await workers.bucket("OTHER_MODELS"), findModel("iris-kmeans"), {
    name: "flowers",
    version: "7",
  });
});

afterAll(() => workers?.dispose());

const request = (path: string, init?: RequestInit): Promise<Response> =>
  fetch(`${workers.origin}${path}`, init);
const post = (
  path: string,
  value: unknown,
  headers: Record<string, string> = {},
): Promise<Response> => request(path, { method: "POST", body: JSON.stringify(value), headers });
const tensors = { inputs: [{ name: "features", datatype: "FP32", shape: [1, 4], data: IRIS }] };
const setosa = [{ label: "setosa" }, { label: "versicolor" }, { label: "virginica" }];

/** As scikit-learn computes it: models/iris-logistic. */
const EXPECTED = 0.976807;

describe.each(["/ai", "/plain", "/encoded"])("the service under %s", (prefix) => {
  test("answers in every protocol", async () => {
    const task = await post(`${prefix}/models/iris-logistic`, { inputs: IRIS });
    expect(await task.json()).toMatchObject(setosa);
    expect(task.headers.get("x-model-version")).toBe("1");
    const version = await post(`${prefix}/models/iris-logistic/versions/1`, { inputs: IRIS });
    expect(await version.json()).toMatchObject(setosa);
    const infer = await post(`${prefix}/v2/models/iris-logistic/infer`, tensors);
    const { outputs } = (await infer.json()) as { outputs: { name: string; data: number[] }[] };
    expect(outputs.find(({ name }) => name === "probabilities")?.data[0]).toBeCloseTo(EXPECTED, 5);
    const predict = await post(`${prefix}/v1/models/iris-logistic:predict`, { instances: [IRIS] });
    expect(await predict.json()).toMatchObject({ predictions: [{ label: 0 }] });
    const list = await request(`${prefix}/v1/models`);
    expect(await list.json()).toMatchObject({
      object: "list",
      data: [{ id: "iris-logistic" }, { id: "pocket-gpt" }],
    });
    const chat = await post(`${prefix}/v1/chat/completions`, {
      model: "pocket-gpt",
      max_tokens: 2,
      messages: [{ role: "user", content: "List files." }],
    });
    expect(await chat.json()).toMatchObject({ object: "chat.completion" });
  });

  test.each([
    [
      "/models/no-such-model",
      { method: "POST", body: '{"inputs":1}' },
      404,
      { code: "model_not_found", detail: expect.any(String) },
    ],
    [
      "/v2/models/no-such-model/infer",
      { method: "POST", body: "{}" },
      404,
      { code: "model_not_found", error: expect.any(String) },
    ],
    ["/v1/embeddings", { method: "POST", body: "{}" }, 400, { error: { code: "invalid_request" } }],
    [
      "/v1/models/no-such-model:predict",
      { method: "POST", body: "{}" },
      404,
      { error: expect.any(String) },
    ],
    ["/v1/unknown/path", {}, 404, { error: { code: "route_not_found" } }],
    ["/v2/unknown/path", {}, 404, { code: "route_not_found", error: expect.any(String) }],
    ["/unknown", {}, 404, { code: "route_not_found" }],
    ["/admin/unknown", {}, 401, { code: "unauthorized" }],
    ["/models/iris-logistic", {}, 405, { code: "method_not_allowed" }],
  ])("renders errors of %s in the form of its protocol", async (path, init, status, body) => {
    const response = await request(`${prefix}${path}`, init);
    expect(await response.json()).toMatchObject(body);
    expect(response.status).toBe(status);
  });

  test("answers its root with and without a slash, and HEAD", async () => {
    for (const path of [prefix, `${prefix}/`, `${prefix}/?x=1`]) {
      const landing = await request(path);
      expect(await landing.json()).toMatchObject({ name: "onnxflare", status: "alive" });
    }
    const head = await request(`${prefix}/v2/health/ready`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  test("compresses responses once, by the coding that the client accepts", async () => {
    for (const coding of ["gzip", "deflate", "identity"]) {
      const response = await request(`${prefix}/openapi.json`, {
        headers: { "accept-encoding": coding },
      });
      expect(await response.json()).toMatchObject({ openapi: "3.1.0" });
      expect(response.headers.get("content-encoding")).toBe(coding === "identity" ? null : coding);
    }
  });

  test("streams, and ends the work when the client closes the connection", async () => {
    const controller = new AbortController();
    const requestId = `closing-${prefix.slice(1)}`;
    const response = await request(`${prefix}/models/pocket-gpt`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-request-id": requestId },
      body: JSON.stringify({ inputs: "Once", stream: true, parameters: { max_new_tokens: 1000 } }),
      signal: controller.signal,
    });
    const reader = response.body?.getReader();
    const { value } = (await reader?.read()) ?? {};
    expect(new TextDecoder().decode(value)).toMatch(/^data: \{/);
    controller.abort();
    const event = await poll(
      "event of the closed stream",
      async () =>
        workers.logs
          .filter(({ message }) => message.includes(`"requestId":"${requestId}"`))
          .map(({ message }) => JSON.parse(message) as RequestEvent)[0],
    );
    expect(event).toMatchObject({ errorCode: "client_closed_request", operation: "predict" });
  });
});

describe("links of a mounted service", () => {
  test("begin with the prefix that it is told", async () => {
    const document = (await (await request("/ai/openapi.json")).json()) as { servers: object };
    expect(document.servers).toMatchObject([{ url: "/ai" }]);
    expect(await (await request("/ai")).json()).toMatchObject({
      docs: `${workers.origin}/ai/docs`,
      models: `${workers.origin}/ai/v2/models`,
    });
    for (const path of ["/ai/docs", "/ai"]) {
      const page = await (await request(path, { headers: { accept: "text/html" } })).text();
      expect(page).toContain('href="/ai/openapi.json"');
      expect(page).toContain(`${workers.origin}/ai/models/iris-logistic`);
      expect(page).not.toMatch(/href="\/(?!ai\/)/);
    }
    const unknown = await (await request("/ai/unknown")).json();
    expect(unknown).toMatchObject({ detail: expect.stringContaining("POST /ai/models/{model}") });
  });

  test("have no prefix that it is not told", async () => {
    expect(await (await request("/plain/openapi.json")).json()).toMatchObject({
      servers: [{ url: "/" }],
    });
  });

  test("the location of a published version can be followed", async () => {
    const model = await (await workers.bucket("MODELS")).get("models/iris-logistic/1/model.onnx");
    const body = new Uint8Array((await model?.arrayBuffer()) ?? new ArrayBuffer());
    const response = await request("/ai/admin/models/published-under-prefix/versions/1", {
      method: "PUT",
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
      body,
    });
    expect(response.status).toBe(201);
    const location = response.headers.get("location") ?? "";
    expect(location).toBe("/ai/v2/models/published-under-prefix/versions/1");
    expect(await (await request(location)).json()).toMatchObject({
      name: "published-under-prefix",
    });
  });
});

test("an instance with other bindings has its own models, key and settings", async () => {
  const list = await request("/nested/ai/v2/models");
  expect(await list.json()).toEqual({ models: ["flowers"] });
  expect((await post("/nested/ai/models/flowers", { inputs: IRIS })).status).toBe(200);
  expect((await post("/nested/ai/models/iris-logistic", { inputs: IRIS })).status).toBe(404);
  for (const [key, status] of [
    [ADMIN_KEY, 401],
    [OTHER_KEY, 200],
  ] as const) {
    const headers = { authorization: `Bearer ${key}` };
    expect((await request("/nested/ai/admin/models", { headers })).status).toBe(status);
  }
  const preflight = await request("/nested/ai/models/flowers", {
    method: "OPTIONS",
    headers: { origin: "https://app.example", "access-control-request-method": "POST" },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get("access-control-allow-origin")).toBe("https://app.example");
  expect(await (await request("/nested/ai/openapi.json")).json()).toMatchObject({
    servers: [{ url: "/nested/ai" }],
  });
});

test("middleware of the app sets headers of responses of a mounted service", async () => {
  const response = await post("/encoded/models/iris-logistic", { inputs: IRIS });
  expect(await response.json()).toMatchObject(setosa);
  for (const name of ["x-before", "x-after", "access-control-allow-origin", "x-frame-options"])
    expect(response.headers.get(name)).not.toBeNull();
});

test("the app keeps its own routes, and the paths beside a prefix", async () => {
  expect(await (await request("/")).text()).toBe("own root");
  expect(await (await request("/own/x")).json()).toEqual({ own: "x" });
  for (const path of ["/aid/models/iris-logistic", "/models/iris-logistic", "/v2/models"])
    expect(await (await request(path)).json()).toEqual({ own: "not found" });
});

test("onEvent receives the event of each request, and may fail", async () => {
  const requestId = "an-event-of-the-mounted-service";
  const response = await post(
    "/ai/models/iris-logistic",
    { inputs: IRIS },
    { "x-request-id": requestId },
  );
  expect(response.status).toBe(200);
  const event = await poll("event", async () => {
    const events = (await (await request("/events")).json()) as RequestEvent[];
    return events.find((each) => each.requestId === requestId);
  });
  expect(event).toMatchObject({ route: "/models/:model", operation: "predict", status: 200 });
});

test("what onEvent and a sink of the Worker's own lose is counted, and a notice says so", async () => {
  await post("/ai/models/iris-logistic", { inputs: IRIS });
  const notice = await poll("notice", async () => {
    const events = (await (await request("/events")).json()) as TelemetryEvent[];
    return events.find((each) => each.event === "notice" && each.message.includes("sink_own"));
  });
  expect(notice).toMatchObject({
    message: expect.stringMatching(
      /^\d+ events? (?:was|were) lost at sink_own: \w*Error: a failure of/,
    ),
  });
});

test("a form and a compressed body reach a mounted service", async () => {
  const form = new FormData();
  form.set("inputs", JSON.stringify(IRIS));
  const formed = await request("/ai/models/iris-logistic", { method: "POST", body: form });
  expect(formed.status).toBe(400);
  expect(await formed.json()).toMatchObject({ code: "invalid_input" });
  const body = await new Response(
    new Blob([JSON.stringify({ inputs: IRIS })])
      .stream()
      .pipeThrough(new CompressionStream("gzip")),
  ).arrayBuffer();
  const compressed = await request("/ai/models/iris-logistic", {
    method: "POST",
    headers: { "content-encoding": "gzip" },
    body,
  });
  expect(await compressed.json()).toMatchObject(setosa);
});
