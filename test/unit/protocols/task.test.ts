import { expect, test } from "vitest";
import type { TaskRequest, TaskResult } from "../../../src/domain/task.ts";
import { createTestApp } from "../../support/test-app.ts";

/** The task API by `app.request`; what models compute is tested in workerd. */

function createTaskApp(
  result: TaskResult = { kind: "value", value: [{ label: "a", score: 1 }], form: "one" },
) {
  const requests: TaskRequest[] = [];
  const app = createTestApp({
    async runTask(_model, request) {
      requests.push(request);
      return result;
    },
  });
  return { app, requests };
}

test("a request in JSON reaches the task with the parameters of its body and its query", async () => {
  const { app, requests } = createTaskApp();
  const body = JSON.stringify({ inputs: [1, 2, 3, 4], parameters: { top_k: 1 } });
  const response = await app.request("/models/iris-logistic?other=2", { method: "POST", body });
  expect(await response.json()).toEqual([{ label: "a", score: 1 }]);
  expect(requests).toEqual([{ inputs: [1, 2, 3, 4], parameters: { other: 2, top_k: 1 } }]);
});

test("a body of a media type of the task is the input itself", async () => {
  const { app, requests } = createTaskApp();
  const headers = { "content-type": "text/csv; charset=utf-8" };
  await app.request("/models/iris-logistic", { method: "POST", headers, body: "1,2,3,4\n" });
  expect(requests).toMatchObject([{ inputs: { type: "text/csv" }, parameters: {} }]);
});

test.each([
  ["/models/iris-logistic", "{", 400, "invalid_json"],
  ["/models/iris-logistic", "", 400, "empty_body"],
  ["/models/no-such-model", "{}", 404, "model_not_found"],
])(
  "a request to %s with the body %j is refused as problem details",
  async (path, body, status, code) => {
    const { app, requests } = createTaskApp();
    const response = await app.request(path, { method: "POST", body });
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({ type: "about:blank", status, code });
    expect(requests).toEqual([]);
  },
);

test.each([
  ["@huggingface/inference/4.13.30", [[{ label: "spam", score: 1 }]]],
  ["curl/8", [{ label: "spam", score: 1 }]],
])("the labels of one text for the client %s", async (userAgent, expected) => {
  const value = [{ label: "spam", score: 1 }];
  const { app } = createTaskApp({ kind: "value", value, form: "one" });
  const response = await app.request("/models/spam-detection", {
    method: "POST",
    headers: { "user-agent": userAgent },
    body: JSON.stringify({ inputs: "win a prize" }),
  });
  expect(await response.json()).toEqual(expected);
});

test("a result in parts is streamed as server-sent events", async () => {
  const parts = (async function* () {
    yield { text: "one" };
    yield { text: "two" };
  })();
  const { app } = createTaskApp({ kind: "stream", parts });
  const body = JSON.stringify({ inputs: "count" });
  const response = await app.request("/models/spam-detection", { method: "POST", body });
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  expect(await response.text()).toBe('data: {"text":"one"}\n\ndata: {"text":"two"}\n\n');
});

test("two predictions of the same tensors have different entity tags when they differ", async () => {
  const values: readonly number[] = [1, 2, 1];
  let requests = 0;
  const app = createTestApp({
    async runTask(_model, _request, { trace }) {
      trace.cache.key = "a".repeat(64);
      return { kind: "value", value: values[requests++], form: "one" };
    },
  });
  const request = (): Promise<Response> =>
    app.request("/models/iris-logistic", { method: "POST", body: '{"inputs": [1, 2, 3, 4]}' });
  const tags = [await request(), await request(), await request()].map(({ headers }) =>
    headers.get("etag"),
  );
  expect(tags[0]).toMatch(/^W\/"a{32}-/);
  expect(tags[1]).not.toBe(tags[0]);
  expect(tags[2]).toBe(tags[0]);
});

const JSON_BODY = { "content-type": "application/json" };

test("options, fields and parameters that Hugging Face's clients send reach the task, or are ignored", async () => {
  const { app, requests } = createTaskApp();
  const send = async (body: object): Promise<unknown> => {
    const request = {
      method: "POST",
      headers: JSON_BODY,
      body: JSON.stringify({ inputs: "a", ...body }),
    };
    await app.request("/models/spam-detection", request);
    return requests.at(-1)?.parameters;
  };
  expect(await send({ options: { use_cache: false, wait_for_model: true, other: 1 } })).toEqual({});
  expect(await send({ options: null, parameters: null, normalize: null, truncate: null })).toEqual(
    {},
  );
  expect(await send({ truncate: true, truncation_direction: "left", prompt_name: null })).toEqual({
    truncate: true,
    truncation_direction: "left",
  });
});

test.each([
  [{ options: "fast" }, '"options" must be a JSON object; got "fast".'],
  [{ options: { use_cache: "no" } }, '"options.use_cache" must be true or false; got "no".'],
  [{ truncation_direction: "up" }, '"truncation_direction" must be "left" or "right"; got "up".'],
  [{ prompts: "query" }, 'Unknown field "prompts"'],
  [{ parameters: JSON.parse('{"__proto__": 1}') }, 'No task has a parameter "__proto__"'],
  [{ parameters: [] }, '"parameters" must be a JSON object; got an array of 0.'],
  [{ normalize: 1 }, '"normalize" must be true or false; got 1.'],
])("the field %j is refused", async (fields, message) => {
  const { app, requests } = createTaskApp();
  const body = JSON.stringify({ inputs: "a", ...fields });
  const response = await app.request("/models/spam-detection", {
    method: "POST",
    headers: JSON_BODY,
    body,
  });
  expect(response.status).toBe(400);
  expect(((await response.json()) as { detail: string }).detail).toContain(message);
  expect(requests).toEqual([]);
});

test("an error has its message and code in headers, which Hugging Face clients read", async () => {
  const response = await createTestApp().request("/models/no-such-model", {
    method: "POST",
    body: '{"inputs": "Größe"}',
  });
  const { detail, code } = (await response.json()) as { detail: string; code: string };
  expect(response.status).toBe(404);
  expect(response.headers.get("x-error-message")).toBe(detail);
  expect(response.headers.get("x-error-code")).toBe(code);
});
