import { HTTPException } from "hono/http-exception";
import { describe, expect, test } from "vitest";
import { ApiError } from "../../../src/domain/errors.ts";
import { respond } from "../../../src/http/respond.ts";
import { createHttpApp, errorOf } from "../../support/http-app.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function createApp() {
  const app = createHttpApp();
  app.routes.get("/models/:model", (c) => respond(c, "{}"));
  app.routes.get("/failing", () => {
    throw new ApiError("storage_failed", "The storage failed.", { cause: new Error("disk full") });
  });
  app.routes.get("/refusing", () => {
    throw new ApiError("invalid_request", "The input is bad: secret.");
  });
  return app;
}

describe("the request's id", () => {
  test.each(["a", "request-1", "A.b_c:d-9", "x".repeat(128)])(
    "is the one that the client sends: %s",
    async (id) => {
      const app = createApp();
      const response = await app.request("/models/iris", { headers: { "x-request-id": id } });
      expect(response.headers.get("x-request-id")).toBe(id);
      expect(app.events[0]?.requestId).toBe(id);
    },
  );

  test.each([undefined, "", "a b", "ä", "<script>", 'a"b', "x".repeat(129)])(
    "is a new one for %j",
    async (id) => {
      const app = createApp();
      const headers: Record<string, string> = id === undefined ? {} : { "x-request-id": id };
      const response = await app.request("/models/iris", { headers });
      expect(response.headers.get("x-request-id")).toMatch(UUID);
      expect(app.events[0]?.requestId).toBe(response.headers.get("x-request-id"));
    },
  );

  test("is another one for each request", async () => {
    const app = createApp();
    for (let request = 0; request < 10; request++) await app.request("/models/iris");
    expect(new Set(app.events.map(({ requestId }) => requestId)).size).toBe(10);
  });

  test("is in an error, too", async () => {
    const response = await createApp().request("/failing", { headers: { "x-request-id": "mine" } });
    expect(response.headers.get("x-request-id")).toBe("mine");
    expect(await errorOf(response)).toMatchObject({ requestId: "mine" });
  });
});

describe("the event", () => {
  test("is one for each request, with the route's pattern in place of the path", async () => {
    const app = createApp();
    const before = Date.now();
    await app.request("/models/iris?secret=1");
    await app.request("/models/digits");
    expect(app.events).toHaveLength(2);
    const [event] = app.events;
    expect(event).toMatchObject({
      event: "request",
      method: "GET",
      route: "/models/:model",
      status: 200,
      bytesIn: 0,
      bytesOut: 2,
      phasesMs: {},
    });
    expect(event?.errorCode).toBeUndefined();
    expect(Date.parse(event?.time ?? "")).toBeGreaterThanOrEqual(before);
    expect(event?.totalMs).toBeGreaterThanOrEqual(0);
    expect(JSON.stringify(app.events)).not.toContain("secret");
  });

  test("of a request without a route is unmatched", async () => {
    const app = createApp();
    await app.request("/nowhere");
    expect(app.events).toMatchObject([{ route: "unmatched", status: 404 }]);
  });

  test("of a fault of the service has its message and its cause", async () => {
    const app = createApp();
    const response = await app.request("/failing");
    expect(response.status).toBe(502);
    expect(app.events).toMatchObject([
      {
        status: 502,
        errorCode: "storage_failed",
        errorMessage: "The storage failed.",
        errorCause: expect.stringMatching(/^Error: disk full\n +at /),
      },
    ]);
    expect(JSON.stringify(await response.json())).not.toContain("disk full");
  });

  test("of a fault of the client has its code alone", async () => {
    const app = createApp();
    await app.request("/refusing");
    expect(app.events).toMatchObject([{ status: 400, errorCode: "invalid_request" }]);
    expect(JSON.stringify(app.events)).not.toContain("secret");
  });
});

describe("what a handler throws", () => {
  test.each<[string, unknown]>([
    ["an error", new TypeError("undefined is not a function")],
    ["a text", "out of luck"],
    ["nothing", undefined],
    ["a response", new Response("mine", { status: 201 })],
    ["an HTTPException", new HTTPException(418, { message: "teapot" })],
  ])("is an internal error, if it is %s", async (_, thrown) => {
    const app = createHttpApp();
    app.routes.get("/", () => {
      throw thrown;
    });
    const response = await app.request("/");
    expect(response.status).toBe(500);
    const error = await errorOf(response);
    expect(error.code).toBe("internal");
    expect(error.message).not.toMatch(/undefined is|out of luck|teapot/);
    expect(app.events).toMatchObject([{ status: 500, errorCode: "internal" }]);
  });
});

describe("a sink that fails", () => {
  const sink = {
    emit() {
      throw new Error("the sink is broken");
    },
  };

  test.each([
    ["a response", "/ok", 200],
    ["an error", "/error", 404],
  ])("leaves %s as it is", async (_, path, status) => {
    const app = createHttpApp({ sink });
    app.routes.get("/ok", (c) => respond(c, '{"a":1}'));
    app.routes.get("/error", () => {
      throw new ApiError("model_not_found", "There is no such model.");
    });
    const response = await app.request(path);
    expect(response.status).toBe(status);
    expect(await response.text()).not.toContain("sink");
  });
});
