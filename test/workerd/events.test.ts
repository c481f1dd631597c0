import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RequestEvent } from "../../src/domain/event.ts";
import { findModel } from "../support/publish.ts";
import { beginPost } from "../support/raw-request.ts";
import { type Service, startService, type TestResponse } from "../support/service.ts";

/** What the service reports of each request: headers to the client, one line of JSON to the console. */

const { manifest } = findModel("iris-logistic");
const digest = manifest.files[0]?.sha256;
const body = {
  inputs: [{ name: "features", datatype: "FP32", shape: [1, 4], data: [5.1, 3.5, 1.4, 0.2] }],
};
const bytesIn = JSON.stringify(body).length;

let service: Service;

beforeAll(async () => {
  const models = ["iris-logistic", "wine-naive-bayes", "language-identification"];
  service = await startService({ models });
});

afterAll(() => service?.dispose());

async function eventOf(response: TestResponse): Promise<RequestEvent> {
  return service.event(String(response.headers.get("x-request-id")));
}

/** Durations depend on the machine: only their presence is checked. */
function anyMs(...phases: string[]): Record<string, unknown> {
  return Object.fromEntries(phases.map((phase) => [phase, expect.any(Number)]));
}

describe("the event of a prediction", () => {
  test("the event of a prediction reports a cold start for the first request only", async () => {
    const before = Date.now();
    for (const coldStart of [true, false, false]) {
      const response = await service.post("/v2/models/iris-logistic/infer", body);
      const event = await eventOf(response);
      expect(event).toMatchObject({
        event: "request",
        schemaVersion: 3,
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        requestId: response.headers.get("x-request-id"),
        method: "POST",
        route: "/v2/models/:model/infer",
        status: 200,
        model: "iris-logistic",
        version: "1",
        digest,
        coldStart,
        bytesIn,
        bytesOut: Number(response.headers.get("content-length")),
        totalMs: expect.any(Number),
        phasesMs: anyMs("body", "resolve", "load", "parse", "infer", "serialize"),
        clock: "advancing",
      });
      expect(Date.parse(event.time)).toBeGreaterThanOrEqual(before);
      expect(Date.parse(event.time)).toBeLessThanOrEqual(Date.now());
      const sum = Object.values(event.phasesMs).reduce((total, ms) => total + ms, 0);
      // Each of the six phases and the total is rounded to a microsecond.
      expect(sum).toBeLessThanOrEqual(event.totalMs + 0.01);
    }
  });

  test("the event of a prediction is written once", async () => {
    const id = "written-once";
    await service.post("/models/iris-logistic", { inputs: [5, 3, 1, 0] }, { "x-request-id": id });
    await service.event(id);
    const lines = service.logs.filter(({ message }) => message.includes(id));
    expect(lines).toHaveLength(1);
    expect(lines[0]?.message).not.toContain("\n");
  });
});

describe("the event of a failure", () => {
  test.each([
    ["GET", "/nowhere", "unmatched", 404, "route_not_found"],
    ["GET", "/v2/nowhere", "unmatched", 404, "route_not_found"],
    ["GET", "/models/iris-logistic", "/models/:model", 405, "method_not_allowed"],
    ["POST", "/v2/models/no-such/infer", "/v2/models/:model/infer", 404, "model_not_found"],
    ["GET", "/v2/models/no-such", "/v2/models/:model", 404, "model_not_found"],
    [
      "POST",
      "/models/no-such/versions/1",
      "/models/:model/versions/:version",
      404,
      "model_not_found",
    ],
  ])(
    "the event of %s %s has the route and the error code",
    async (method, path, route, status, errorCode) => {
      const response = await service.request(path, { method });
      expect(await eventOf(response)).toMatchObject({
        method,
        route,
        status,
        errorCode,
        bytesIn: 0,
        bytesOut: Number(response.headers.get("content-length")),
      });
    },
  );

  test("the event of a 4xx has a code, and nothing that the client sent", async () => {
    const secret = "patient-4711";
    for (const text of [
      `not JSON: ${secret}`,
      JSON.stringify({ inputs: secret }),
      JSON.stringify({ inputs: [1, 2, 3, secret] }),
      JSON.stringify({ inputs: { [secret]: 1 } }),
      JSON.stringify({ inputs: [1, 2, 3, 4], [secret]: 1 }),
      JSON.stringify({ inputs: [1, 2, 3, 4], parameters: { [secret]: 1 } }),
    ]) {
      const response = await service.request("/models/iris-logistic", {
        method: "POST",
        body: text,
      });
      const event = await eventOf(response);
      expect(event).toMatchObject({
        status: 400,
        errorCode: expect.any(String),
        bytesIn: text.length,
      });
      expect(event).not.toHaveProperty("errorMessage");
      expect(event).not.toHaveProperty("errorCause");
    }
    const good = await service.post("/models/language-identification", {
      inputs: `I am ${secret}`,
    });
    expect(good.status).toBe(200);
    await eventOf(good);
    expect(service.logs.filter(({ message }) => message.includes(secret))).toEqual([]);
  });

  test.each<[id: string, headers: Record<string, string>]>([
    ["gone-plain", {}],
    ["gone-gzip", { "content-encoding": "gzip" }],
  ])(
    "the event of a client that disconnects while it sends its body is a 4xx: %s",
    async (id, encoding) => {
      const headers = { "x-request-id": id, "content-length": "1000", ...encoding };
      const socket = await beginPost(service.origin, "/models/iris-logistic", body, headers);
      // The event of another request arrives when the Worker has started to process this one.
      await eventOf(await service.post("/v2/models/iris-logistic/infer", body));
      socket.resetAndDestroy();
      expect(await service.event(id)).toMatchObject({ status: 400, errorCode: "invalid_request" });
    },
  );

  test("the event of a 5xx has its cause, which the response does not have", async () => {
    await service.bucket.put("models/wine-naive-bayes/1/manifest.json", "{}");
    const response = await service.post("/models/wine-naive-bayes", { inputs: [] });
    const event = await eventOf(response);
    expect(response.status).toBe(503);
    expect(event).toMatchObject({
      status: 503,
      errorCode: "model_corrupt",
      errorMessage: 'The manifest of model "wine-naive-bayes" version 1 is not valid.',
      errorCause: expect.stringMatching(/^Error: invalid manifest:.*→ at schemaVersion.*\n +at /s),
    });
    expect(JSON.stringify(response.body)).not.toMatch(/schemaVersion|index\.js|invalid manifest/);
  });
});

describe("headers", () => {
  test.each(["a", "A-Z.a_z:0-9", "x".repeat(128)])("the request id %s is used", async (id) => {
    const response = await service.request("/v2", { headers: { "x-request-id": id } });
    expect(response.headers.get("x-request-id")).toBe(id);
    expect((await service.event(id)).requestId).toBe(id);
  });

  test.each(["x".repeat(129), "a b", "a/b", '{"a":1}', "é", "a\tb", ""])(
    "the invalid request id %j is replaced",
    async (id) => {
      const { headers } = await service.request("/v2", { headers: { "x-request-id": id } });
      expect(headers.get("x-request-id")).toMatch(
        /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      );
    },
  );

  test("server-timing has the durations of the phases in their order, as in the event", async () => {
    const response = await service.post("/v2/models/iris-logistic/infer", body);
    const timing = String(response.headers.get("server-timing"));
    const entries = timing.split(", ").map((entry) => entry.split(";dur="));
    expect(entries.map(([name]) => name)).toEqual([
      "body",
      "resolve",
      "load",
      "parse",
      "infer",
      "serialize",
      "total",
    ]);
    const { phasesMs, totalMs } = await eventOf(response);
    const durations = Object.fromEntries(entries.map(([name, ms]) => [name, Number(ms)]));
    expect(durations).toEqual({ ...phasesMs, total: totalMs });
  });

  test("x-model-version is set, also for a request that fails later", async () => {
    const { headers, status } = await service.post("/models/iris-logistic", { inputs: "nothing" });
    expect(status).toBe(400);
    expect(headers.get("x-model-version")).toBe("1");
    const { headers: unknown } = await service.post("/models/no-such", { inputs: 1 });
    expect(unknown.has("x-model-version")).toBe(false);
  });
});

describe("EVENT_LOG", () => {
  /** The lines on the console when the last of some responses has arrived. */
  async function linesWith(setting: string): Promise<string[]> {
    const other = await startService({ vars: { EVENT_LOG: setting }, models: ["iris-logistic"] });
    try {
      const first = await other.post("/models/iris-logistic", { inputs: [5.1, 3.5, 1.4, 0.2] });
      expect(first).toMatchObject({ status: 200, body: [{ label: "setosa" }, {}, {}] });
      for (let request = 0; request < 20; request++) await other.request("/v2");
      return other.logs.map(({ message }) => message);
    } finally {
      await other.dispose();
    }
  }

  test("EVENT_LOG=off disables only the console", async () => {
    expect(await linesWith("on")).toEqual(
      expect.arrayContaining([
        expect.stringContaining('"operation":"predict","operationKind":"inference","status":200'),
      ]),
    );
    expect(await linesWith("off")).toEqual([]);
  });
});

test("an invalid setting fails every request, and the log names it", async () => {
  const broken = await startService({
    vars: { MAX_BODY_BYTES: "plenty", EVENT_LOG: "yes" },
    models: [],
  });
  try {
    for (let request = 0; request < 2; request++)
      expect((await broken.request("/v2/health/live")).status).toBe(500);
    const log = broken.logs.map(({ message }) => message).join("\n");
    expect(log).toMatch(/invalid settings in \[vars\].*at MAX_BODY_BYTES.*at EVENT_LOG/s);
  } finally {
    await broken.dispose();
  }
});
