import { beforeAll, expect, test, vi } from "vitest";
import { parseConfig } from "../../../src/config.ts";
import type { CachedResponse } from "../../../src/domain/cached-response.ts";
import { ApiError } from "../../../src/domain/errors.ts";
import { respond, respondCached } from "../../../src/http/respond.ts";
import { createHttpApp } from "../../support/http-app.ts";
import { createTestApp } from "../../support/test-app.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/** Security headers by `app.request`; test/workerd/browser-security.test.ts has every route of the built Worker. */

beforeAll(() => {
  stubWorkersGlobals();
  return () => vi.unstubAllGlobals();
});

const HSTS = "strict-transport-security";

test("a response, and an error, says how browsers must treat it", async () => {
  const app = createHttpApp();
  app.routes.get("/", (c) => respond(c, "{}"));
  app.routes.get("/failing", () => {
    throw new ApiError("storage_failed", "The storage failed.");
  });
  for (const path of ["/", "/failing"])
    expect(Object.fromEntries((await app.request(path)).headers)).toMatchObject({
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-resource-policy": "same-origin",
    });
});

test("a request that the flood guard refuses gets the headers, and those of CORS", async () => {
  const config = parseConfig({ CORS_ORIGINS: "https://app.example" });
  const app = createTestApp({ config, floodGuard: { allows: async () => false } });
  const headers = { "cf-connecting-ip": "203.0.113.7", origin: "https://app.example" };
  const response = await app.request("/models/iris-logistic", { method: "POST", headers });
  expect(response.status).toBe(429);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "access-control-allow-origin": "https://app.example",
  });
});

test("responses over https ask browsers to stay there, and those over http do not", async () => {
  const app = createHttpApp();
  app.routes.get("/", (c) => respond(c, "{}"));
  expect((await app.request("https://models.example/")).headers.get(HSTS)).toBe("max-age=31536000");
  expect((await app.request("http://models.example/")).headers.get(HSTS)).toBeNull();
});

test.each([
  ["short", "{}"],
  ["long", `"${"x".repeat(2000)}"`],
])("a %s stored response has the header of https on requests over https alone", async (_, text) => {
  const stored: CachedResponse = {
    body: Uint8Array.from(Buffer.from(text)),
    headers: new Headers({ "content-type": "application/json" }),
    ageSeconds: undefined,
  };
  const app = createHttpApp();
  app.routes.get("/", (c) => respondCached(c, stored));
  const seen = [];
  for (const scheme of ["http", "https", "https", "http", "https"]) {
    const response = await app.request(`${scheme}://models.example/`);
    expect(await response.text()).toBe(text);
    seen.push(response.headers.get(HSTS) !== null);
  }
  expect(seen).toEqual([false, true, true, false, true]);
});

test.each([
  ["", "same-origin"],
  ["https://app.example", "same-origin"],
  ["*", "cross-origin"],
])(
  "with CORS_ORIGINS = %j pages of other sites may embed responses: %s",
  async (origins, policy) => {
    const config = parseConfig({ CORS_ORIGINS: origins });
    const { headers } = await createTestApp({ config }).request("/docs");
    expect(headers.get("cross-origin-resource-policy")).toBe(policy);
  },
);
