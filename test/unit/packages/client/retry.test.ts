import {
  createServer,
  type IncomingHttpHeaders,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type Client,
  type ClientOptions,
  createClient,
} from "../../../../packages/client/src/client.ts";
import { parseRetryAfter, retryDelayMs } from "../../../../packages/client/src/retry.ts";

/** The client, with a server that fails as a test sets it. */

interface Seen {
  readonly at: number;
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

type Behaviour = (response: ServerResponse) => void;

let server: Server;
let origin: string;
/** The requests received so far. */
let seen: Seen[];
/** The behaviour for each request in their order; the last one is used for all further requests. */
let behaviours: Behaviour[];
/** Called after each recorded request. */
let onRequest: () => void;

beforeEach(async () => {
  seen = [];
  onRequest = () => undefined;
  server = createServer((request, response) => {
    let body = "";
    request.setEncoding("latin1").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      const { method, url, headers } = request;
      const behave = behaviours[Math.min(seen.length, behaviours.length - 1)];
      seen.push({ at: performance.now(), method, url, headers, body });
      behave?.(response);
      onRequest();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

const RESULT = {
  model_name: "m",
  model_version: "1",
  outputs: [{ name: "y", datatype: "FP32", shape: [1], data: [2] }],
};
const succeed: Behaviour = (response) => {
  response.setHeader("content-type", "application/json").end(JSON.stringify(RESULT));
};
const silence: Behaviour = () => undefined;
const hangUp: Behaviour = (response) => response.destroy();

function fail(status: number, headers: Record<string, string> = {}, body = "{}"): Behaviour {
  return (response) => response.writeHead(status, headers).end(body);
}

function client(options: Partial<ClientOptions> = {}): Client {
  return createClient({ baseUrl: origin, ...options });
}

const REQUEST = { model: "m", inputs: { x: new Float32Array([1]) } };

describe("what another try may mend", () => {
  // The shortest wait between two tries that there is.
  beforeEach(() => void vi.spyOn(Math, "random").mockReturnValue(0));
  afterEach(() => void vi.restoreAllMocks());

  test.each([
    ["a 429", fail(429)],
    ["a 502", fail(502)],
    ["a 503", fail(503)],
    ["a broken connection", hangUp],
    [
      "a truncated response",
      ((response) => {
        response.writeHead(200, { "content-length": "1000" }).write("{");
        response.destroy();
      }) satisfies Behaviour,
    ],
  ])("after %s the request is retried with the same body", async (_, behaviour) => {
    behaviours = [behaviour, behaviour, succeed];
    const result = await client().infer(REQUEST);
    expect(result.output("y", "FP32").data).toEqual(new Float32Array([2]));
    expect(seen.map(({ method, url }) => `${method} ${url}`)).toEqual(
      Array(3).fill("POST /v2/models/m/infer"),
    );
    expect(new Set(seen.map(({ body }) => body)).size).toBe(1);
  });

  test("after the set number of retries the last error is thrown", async () => {
    behaviours = [
      fail(503, { "x-request-id": "r1" }, '{"error":"not yet","code":"model_missing"}'),
    ];
    await expect(client({ retries: 1 }).infer(REQUEST)).rejects.toMatchObject({
      name: "OnnxflareError",
      status: 503,
      code: "model_missing",
      message: "not yet",
      requestId: "r1",
    });
    expect(seen).toHaveLength(2);
  });

  test("a call may set its own number of retries", async () => {
    behaviours = [fail(429)];
    await expect(client().predict({ model: "m", inputs: 1 }, { retries: 0 })).rejects.toThrow();
    expect(seen).toHaveLength(1);
  });
});

test.each([400, 401, 404, 413, 500, 504, 507])("the status %d is not retried", async (status) => {
  behaviours = [fail(status), succeed];
  await expect(client().infer(REQUEST)).rejects.toMatchObject({ status });
  expect(seen).toHaveLength(1);
});

test.each([
  ["a key that is wrong", 401, "unauthorized"],
  ["a key that may not do it", 403, "forbidden"],
  ["a quota that is used up", 429, "quota_exceeded"],
  ["an address with too many wrong keys", 429, "too_many_attempts"],
])("%s is not tried again, and its error has the code and the time", async (_, status, code) => {
  const body = JSON.stringify({ error: "No.", code });
  behaviours = [fail(status, { "retry-after": "1" }, body), succeed];
  await expect(client({ timeoutMs: 60_000 }).infer(REQUEST)).rejects.toMatchObject({
    status,
    code,
    retryAfterSeconds: 1,
  });
  expect(seen).toHaveLength(1);
});

describe("Retry-After", () => {
  describe("is waited for", () => {
    const NOW = Date.parse("2026-11-22T00:00:00Z");

    beforeEach(() => void vi.useFakeTimers({ now: NOW }));
    afterEach(() => void vi.useRealTimers());

    test.each([
      ["in seconds", 429, "1"],
      ["as a date", 503, "Sun, 22 Nov 2026 00:00:01 GMT"],
    ])("%s", async (_, status, retryAfter) => {
      const responses = [
        new Response("{}", { status, headers: { "retry-after": retryAfter } }),
        Response.json(RESULT),
      ];
      const sentAt: number[] = [];
      const call = client({
        fetch: async () => {
          sentAt.push(Date.now() - NOW);
          return responses[sentAt.length - 1] ?? Response.error();
        },
      }).infer(REQUEST);
      await vi.advanceTimersByTimeAsync(999);
      expect(sentAt).toEqual([0]);
      await vi.advanceTimersByTimeAsync(1);
      await call;
      expect(sentAt).toEqual([0, 1000]);
    });
  });

  test("a call fails at once if Retry-After is beyond its timeout", async () => {
    const body = '{"error":"busy","code":"overloaded","details":{"retryAfterSeconds":60}}';
    behaviours = [fail(429, { "retry-after": "60" }, body)];
    await expect(client({ timeoutMs: 5000 }).infer(REQUEST)).rejects.toMatchObject({
      status: 429,
      code: "overloaded",
      retryAfterSeconds: 60,
      details: { retryAfterSeconds: 60 },
    });
    expect(seen).toHaveLength(1);
  });

  test("Retry-After is read from the body if the header is hidden", async () => {
    behaviours = [fail(429, {}, '{"details":{"retryAfterSeconds":7}}')];
    await expect(client({ retries: 0 }).infer(REQUEST)).rejects.toMatchObject({
      retryAfterSeconds: 7,
    });
  });

  test.each([
    ["120", 120],
    [" 3 ", 3],
    ["Sun, 06 Nov 1994 08:49:37 GMT", 37],
    ["Sun, 06 Nov 1994 08:48:00 GMT", 0],
    ["soon", undefined],
    ["-1", undefined],
    ["", undefined],
    [null, undefined],
  ])("the Retry-After %j is %j seconds", (text, seconds) => {
    const now = Date.parse("1994-11-06T08:49:00Z");
    expect(parseRetryAfter(text, now)).toBe(seconds);
  });
});

test("without Retry-After the delay doubles, is random in its upper half, and is limited", () => {
  for (const [attempt, longest] of [100, 200, 400, 800, 1600, 3200, 5000, 5000].entries())
    for (let i = 0; i < 100; i++) {
      const delayMs = retryDelayMs(attempt, undefined);
      expect(delayMs).toBeGreaterThanOrEqual(longest / 2);
      expect(delayMs).toBeLessThan(longest);
    }
});

describe("the end of a call", () => {
  test("a call ends with its timeout", async () => {
    behaviours = [silence];
    await expect(client({ timeoutMs: 50 }).infer(REQUEST)).rejects.toMatchObject({
      code: "timeout",
      status: undefined,
      message: "No response within 50 ms.",
    });
  });

  test("a call with an aborted signal is not sent", async () => {
    behaviours = [succeed];
    const reason = new Error("enough");
    const call = client().infer(REQUEST, { signal: AbortSignal.abort(reason) });
    await expect(call).rejects.toBe(reason);
    expect(seen).toHaveLength(0);
  });

  test("aborting a call while it waits for the response closes the connection", async () => {
    const closed = new Promise<void>((resolve) => {
      behaviours = [(response) => response.once("close", resolve)];
    });
    const controller = new AbortController();
    const reason = new Error("enough");
    onRequest = () => controller.abort(reason);
    await expect(client().infer(REQUEST, { signal: controller.signal })).rejects.toBe(reason);
    await closed;
    expect(seen).toHaveLength(1);
  });

  test("aborting a call ends its wait for the next attempt", async () => {
    behaviours = [fail(429, { "retry-after": "3600" })];
    const controller = new AbortController();
    const reason = new Error("enough");
    onRequest = () => setTimeout(() => controller.abort(reason), 20);
    const call = client({ timeoutMs: Number.POSITIVE_INFINITY }).infer(REQUEST, {
      signal: controller.signal,
    });
    await expect(call).rejects.toBe(reason);
    expect(seen).toHaveLength(1);
  });
});

describe("request headers and paths", () => {
  test("the remaining time is sent with predictions only", async () => {
    behaviours = [succeed];
    await client({ timeoutMs: 4000 }).infer(REQUEST);
    await client().predict({ model: "m", inputs: 1 }, { timeoutMs: 2000 });
    await client().modelMetadata("m");
    const [infer, predict, metadata] = seen.map(({ headers }) => headers["x-timeout-ms"]);
    expect(Number(infer)).toBeGreaterThan(0);
    expect(Number(infer)).toBeLessThanOrEqual(4000);
    expect(Number(predict)).toBeLessThanOrEqual(2000);
    expect(metadata).toBeUndefined();
  });

  test("the key and the headers of the client and of the call are sent", async () => {
    behaviours = [succeed];
    const headers = { "x-request-id": "mine", "x-team": "client" };
    await client({ apiKey: "secret", headers }).serverMetadata({ headers: { "x-team": "call" } });
    expect(seen[0]?.headers).toMatchObject({
      authorization: "Bearer secret",
      "x-request-id": "mine",
      "x-team": "call",
    });
  });

  test("compression is accepted for JSON only, unless the caller sets accept-encoding", async () => {
    behaviours = [succeed];
    await client().infer({ ...REQUEST, binary: false });
    await client().infer(REQUEST);
    await client({ headers: { "accept-encoding": "gzip" } }).infer(REQUEST);
    const accepted = seen.map(({ headers }) => headers["accept-encoding"]);
    expect(accepted).toEqual([expect.stringContaining("gzip"), "identity", "gzip"]);
  });

  test("names are encoded in the path, below the path of the base URL", async () => {
    behaviours = [succeed];
    const prefixed = client({ baseUrl: new URL("/onnx/", origin) });
    await prefixed.modelConfig("a/b ü", { version: "../2" });
    expect(seen[0]?.url).toBe("/onnx/v2/models/a%2Fb%20%C3%BC/versions/..%2F2/config");
  });
});
