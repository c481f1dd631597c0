import { describe, expect, test } from "vitest";
import { createApp } from "../../src/app.ts";
import { parseConfig } from "../../src/config.ts";
import { ApiError } from "../../src/domain/errors.ts";
import { createTestApp, only, unexpected } from "../support/test-app.ts";

const SECRET = "the secret cause";

const infer = {
  method: "POST",
  body: JSON.stringify({
    inputs: [{ name: "features", datatype: "FP32", shape: [1, 4], data: [1, 2, 3, 4] }],
  }),
};
const predict = { method: "POST", body: JSON.stringify({ inputs: [1, 2, 3, 4] }) };

describe("event sinks", () => {
  const sink = {
    emit: () => {
      throw new Error(SECRET);
    },
  };

  test("a sink that throws does not change a successful response", async () => {
    const response = await createTestApp({ sink }).request("/v2/models/iris-logistic");
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ name: "iris-logistic", versions: ["1"] });
    expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("a sink that throws does not change an error response", async () => {
    const response = await createTestApp({ sink }).request("/v2/models/no-such-model");
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: "model_not_found" });
  });
});

describe.each([
  ["an Error", new Error(SECRET), SECRET],
  ["a TypeError", new TypeError(SECRET), `TypeError: ${SECRET}`],
  ["a text", SECRET, SECRET],
  // How a C++ exception leaves WebAssembly.
  ["a pointer", 5_243_904, "5243904"],
  ["nothing", undefined, undefined],
])("%s thrown by a handler", (_, thrown, cause) => {
  const fail = (): Promise<never> => Promise.reject(thrown);

  test.each([
    ["/v2/models/iris-logistic/infer", infer, "application/json", "error"],
    ["/models/iris-logistic", predict, "application/problem+json", "detail"],
  ])(
    "is hidden in the response of %s, and reported in its event",
    async (path, init, type, field) => {
      const app = createTestApp({ infer: fail, runTask: fail });
      const response = await app.request(path, init);
      const text = await response.text();
      expect(response.status).toBe(500);
      expect(response.headers.get("content-type")).toBe(type);
      expect(text).not.toContain(SECRET);
      expect(JSON.parse(text)).toMatchObject({
        [field]: "The service failed to process the request; the error was logged.",
        code: "internal",
        request_id: response.headers.get("x-request-id"),
      });
      expect(app.events).toHaveLength(1);
      expect(app.events).toMatchObject([
        {
          status: 500,
          errorCode: "internal",
          ...(cause && { errorCause: expect.stringContaining(cause) }),
        },
      ]);
    },
  );
});

const unusedCatalog = {
  resolve: unexpected,
  recall: unexpected,
  list: unexpected,
  forget: unexpected,
  peekManifest: unexpected,
  peek: () => undefined,
  lastKnown: () => undefined,
  find: unexpected,
  version: unexpected,
};

test("an error of storage is sent without its cause", async () => {
  const cause = new Error(SECRET);
  const find = (): Promise<never> =>
    Promise.reject(new ApiError("storage_failed", "Object storage failed. Try again.", { cause }));
  const app = createTestApp({ catalog: { ...unusedCatalog, find } });
  const response = await app.request("/v2/models/iris-logistic");
  const text = await response.text();
  expect(response.status).toBe(502);
  expect(JSON.parse(text)).toMatchObject({
    error: "Object storage failed. Try again.",
    code: "storage_failed",
  });
  expect(text).not.toContain(SECRET);
  expect(app.events).toMatchObject([
    {
      errorMessage: "Object storage failed. Try again.",
      errorCause: expect.stringContaining(SECRET),
    },
  ]);
});

test("a request to an unknown route has an id and an event", async () => {
  const app = createTestApp();
  const response = await app.request("/nowhere", { headers: { "x-request-id": "mine" } });
  expect(response.status).toBe(404);
  expect(response.headers.get("x-request-id")).toBe("mine");
  expect(response.headers.get("server-timing")).toMatch(/^total;dur=/);
  expect(app.events).toMatchObject([
    { requestId: "mine", route: "unmatched", status: 404, errorCode: "route_not_found" },
  ]);
});

test("the server metadata contains the version of the server", async () => {
  const response = await createTestApp().request("/v2");
  expect(await response.json()).toMatchObject({ name: "onnxflare", version: "1.2.3" });
});

test("events are emitted in the order of the responses", async () => {
  const app = createTestApp();
  for (const path of ["/v2", "/v2/health/live", "/v2/models/iris-kmeans", "/nowhere"])
    await app.request(path);
  expect(app.events.map(({ route, status }) => `${status} ${route}`)).toEqual([
    "200 /v2",
    "200 /v2/health/live",
    "200 /v2/models/:model",
    "404 unmatched",
  ]);
});

test("every route is supported by Hono's fastest router", () => {
  const { router } = createApp(only({ prefix: "", config: parseConfig({}) }));
  router.match("POST", "/v2/models/iris-logistic/infer");
  expect(router.name).toBe("SmartRouter + RegExpRouter");
});
