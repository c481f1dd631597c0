import { afterAll, beforeAll, expect, test } from "vitest";
import { expectBrowserHeaders } from "../support/browser-headers.ts";
import { type Service, startService, type TestResponse } from "../support/service.ts";

/** CORS of the built Worker: responses that are cached, compressed, not modified and refused. */

const PAGE = "https://app.example";
const OTHER = "http://localhost:5173";
const PATH = "/models/iris-logistic";

let service: Service;

beforeAll(async () => {
  service = await startService({
    models: ["iris-logistic", "digits-cnn"],
    vars: { CORS_ORIGINS: `${PAGE}, ${OTHER}`, CACHE_TIERS: "isolate", MAX_IN_FLIGHT: "1" },
  });
});

afterAll(() => service?.dispose());

const send = (origin: string, headers: Record<string, string> = {}): Promise<TestResponse> =>
  service.post(PATH, { inputs: [5.1, 3.5, 1.4, 0.2] }, { origin, ...headers });

const allowed = ({ headers }: TestResponse): (string | null)[] => [
  headers.get("access-control-allow-origin"),
  headers.get("vary"),
];

test("computed, cached and stored responses have the origin of their own request", async () => {
  for (const origin of [PAGE, PAGE, PAGE, OTHER, PAGE, "https://evil.example", OTHER]) {
    const response = await send(origin);
    expect(response.status).toBe(200);
    const expected = origin.includes("evil") ? null : origin;
    expect(allowed(response)).toEqual([expected, "authorization, origin"]);
    expectBrowserHeaders(response.headers);
  }
  const stored = await send(OTHER);
  expect(stored.headers.get("cache-status")).toContain("; hit; ");
  expectBrowserHeaders(stored.headers);
});

test("a response that is not modified has the headers", async () => {
  const etag = (await send(PAGE)).headers.get("etag") ?? "";
  const response = await send(OTHER, { "if-none-match": etag, "cache-control": "max-age=60" });
  expect(response.status).toBe(304);
  expect(allowed(response)).toEqual([OTHER, "authorization, origin"]);
  expectBrowserHeaders(response.headers);
});

test("a compressed response is compressed once, and has the headers", async () => {
  const headers = { origin: PAGE, "accept-encoding": "gzip" };
  const response = await service.request("/openapi.json", { headers });
  expect(response.headers.get("content-encoding")).toBe("gzip");
  expect(response.body).toMatchObject({ openapi: "3.1.0" });
  expect(allowed(response)).toEqual([PAGE, "accept-encoding, origin"]);
  expectBrowserHeaders(response.headers);
});

test("a preflight is answered while no prediction is admitted, and a refused prediction has the headers", async () => {
  const image = Array.from({ length: 8 }, () => [0, 2, 4, 6, 8, 10, 12, 14]);
  const headers = { origin: PAGE };
  const inputs = Array.from({ length: 5000 }, () => image);
  const busy = [1, 2, 3].map((bias) =>
    service.post(
      "/models/digits-cnn",
      { inputs: [[...image.slice(1), Array(8).fill(bias)], ...inputs] },
      headers,
    ),
  );
  const preflight = await service.request(PATH, {
    method: "OPTIONS",
    headers: { ...headers, "access-control-request-method": "POST" },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get("access-control-allow-methods")).toBe("GET, HEAD, POST");
  expectBrowserHeaders(preflight.headers);
  const responses = await Promise.all(busy);
  expect(responses.map(({ status }) => status)).toContain(429);
  for (const response of responses) {
    expect(allowed(response)[0]).toBe(PAGE);
    expectBrowserHeaders(response.headers);
  }
  const [refused] = responses.filter(({ status }) => status === 429);
  expect(refused?.headers.get("access-control-expose-headers")).toContain("retry-after");
});
