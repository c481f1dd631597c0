import { gunzipSync, inflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type RespondOptions, respond, respondBytes } from "../../../src/http/respond.ts";
import { createHttpApp, type HttpApp } from "../../support/http-app.ts";

const LONG = JSON.stringify({ text: "a".repeat(2000) });

function createApp(text: string, options: RespondOptions = {}): HttpApp {
  const app = createHttpApp();
  app.routes.get("/", (c) => respond(c, text, options));
  return app;
}

function send(app: HttpApp, headers: Record<string, string> = {}): Promise<Response> {
  return app.request("/", { headers });
}

test("a response has its type, the request's id and its duration, and its size is in the event", async () => {
  const app = createApp('{"ü":1}', { status: 201 });
  const response = await send(app, { "x-request-id": "mine" });
  expect([response.status, await response.text()]).toEqual([201, '{"ü":1}']);
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(response.headers.get("x-request-id")).toBe("mine");
  expect(response.headers.get("server-timing")).toMatch(/^total;dur=\d+(\.\d+)?$/);
  expect(app.events).toMatchObject([{ requestId: "mine", status: 201, bytesOut: 8 }]);
});

test("several parts are one body", async () => {
  const app = createHttpApp();
  const parts = [Uint8Array.of(1, 2), Uint8Array.of(), Uint8Array.of(3)];
  app.routes.get("/", (c) => respondBytes(c, parts, { contentType: "application/octet-stream" }));
  const response = await send(app);
  expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([1, 2, 3]);
  expect(response.headers.get("content-type")).toBe("application/octet-stream");
});

test("headers that were noted before are sent", async () => {
  const app = createHttpApp();
  app.routes.get("/", (c) => {
    c.get("headers")["x-model-version"] = "7";
    return respond(c, "{}");
  });
  expect((await send(app)).headers.get("x-model-version")).toBe("7");
});

describe("compression", () => {
  test.each([
    ["gzip", "gzip", gunzipSync],
    ["deflate", "deflate", inflateSync],
    ["br, gzip;q=0.5", "gzip", gunzipSync],
    ["GZIP", "gzip", gunzipSync],
    ["gzip;q=0, deflate", "deflate", inflateSync],
  ])("of a long response for accept-encoding %s is %s", async (accepted, encoding, decompress) => {
    const response = await send(createApp(LONG), { "accept-encoding": accepted });
    expect(response.headers.get("content-encoding")).toBe(encoding);
    expect(response.headers.get("vary")).toBe("accept-encoding");
    expect(decompress(Buffer.from(await response.arrayBuffer())).toString()).toBe(LONG);
  });

  test.each([undefined, "", "br", "gzip;q=0", "gzip; q=0.0, deflate;q=0", "identity"])(
    "is none for accept-encoding %s, and vary names accept-encoding",
    async (accepted) => {
      const headers = accepted === undefined ? {} : { "accept-encoding": accepted };
      const response = await send(createApp(LONG), headers);
      expect(response.headers.get("content-encoding")).toBeNull();
      expect(response.headers.get("vary")).toBe("accept-encoding");
      expect(await response.text()).toBe(LONG);
    },
  );

  test("is none for a short response", async () => {
    const response = await send(createApp("{}"), { "accept-encoding": "gzip" });
    expect(response.headers.get("content-encoding")).toBeNull();
    expect(response.headers.get("vary")).toBeNull();
  });

  test("is none for a response that must not be transformed, which cache-control declares", async () => {
    const app = createApp(LONG, { compress: false });
    const response = await send(app, { "accept-encoding": "gzip" });
    expect(response.headers.get("content-encoding")).toBeNull();
    expect(response.headers.get("cache-control")).toBe("no-transform");
    expect(await response.text()).toBe(LONG);
  });

  test("does not change the size in the event", async () => {
    const app = createApp(LONG);
    await (await send(app, { "accept-encoding": "gzip" })).arrayBuffer();
    expect(app.events).toMatchObject([{ bytesOut: LONG.length }]);
  });
});

test("a request with a traceparent gets the trace and the span of its event, and no other one does", async () => {
  const app = createApp("{}");
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const response = await send(app, { traceparent, tracestate: "congo=1" });
  const { traceId, spanId } = app.events[0] ?? {};
  expect(app.events[0]).toMatchObject({
    traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
    spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
    parentSpanId: "00f067aa0ba902b7",
    traceFlags: 1,
    traceState: "congo=1",
  });
  expect(response.headers.get("traceresponse")).toBe(`00-${traceId}-${spanId}-01`);
  const other = await send(app, { traceparent: `${traceparent}-more`, tracestate: "congo=1" });
  expect(other.headers.has("traceresponse")).toBe(false);
  expect(app.events[1]).toMatchObject({ traceId: expect.stringMatching(/^[0-9a-f]{32}$/) });
  expect(app.events[1]?.traceId).not.toBe(traceId);
  expect(app.events[1]).toMatchObject({ parentSpanId: undefined, traceState: undefined });
});

test("a tracestate that has a secret is not in the event", async () => {
  const app = createApp("{}");
  await send(app, {
    traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    tracestate: "vendor=my-own-secret-credential",
    authorization: "Bearer my-own-secret-credential",
  });
  expect(app.events[0]).toMatchObject({ parentSpanId: "00f067aa0ba902b7", traceState: undefined });
});
