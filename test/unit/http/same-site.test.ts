import { beforeAll, describe, expect, test, vi } from "vitest";
import { parseConfig } from "../../../src/config.ts";
import { createTestApp } from "../../support/test-app.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/** Pages of other origins, and admin routes; the headers are those that browsers send (W3C Fetch Metadata, RFC 6454). */

beforeAll(() => {
  stubWorkersGlobals();
  return () => vi.unstubAllGlobals();
});

const KEY = "a-key-for-tests";
const config = parseConfig({ ADMIN_KEY: KEY, CORS_ORIGINS: "https://app.example" });

async function statusOf(
  headers: Record<string, string>,
  path = "/admin/cache",
  method = "GET",
  origin = "https://models.example",
) {
  const app = createTestApp({ config, cacheStats: () => ({}) });
  const response = await app.request(`${origin}${path}`, {
    method,
    headers: { authorization: `Bearer ${KEY}`, ...headers },
  });
  expect(response.headers.get("access-control-allow-origin")).toBeNull();
  expect(response.headers.get("cache-control")).toBe("no-store");
  return response.status;
}

describe("an admin call with the admin key", () => {
  test.each([
    ["of no browser", {}],
    [
      "of a page of the server",
      { "sec-fetch-site": "same-origin", origin: "https://models.example" },
    ],
    ["of the user", { "sec-fetch-site": "none" }],
    ["of a page of the server in an old browser", { origin: "https://models.example" }],
    ["of a page that a proxy serves", { origin: "http://localhost:8787", host: "localhost:8787" }],
  ])("%s is accepted", async (_, headers) => {
    expect(await statusOf(headers)).toBe(200);
  });

  test.each([
    ["another site", { "sec-fetch-site": "cross-site", origin: "https://evil.example" }],
    ["a listed site", { "sec-fetch-site": "cross-site", origin: "https://app.example" }],
    ["another subdomain", { "sec-fetch-site": "same-site", origin: "https://evil.models.example" }],
    ["another site by an image", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }],
    ["another site in an old browser", { origin: "https://evil.example" }],
    ["a sandboxed frame", { origin: "null" }],
    ["another port", { origin: "https://models.example:8443" }],
    ["another scheme", { origin: "http://models.example" }],
    ["a site whose name begins so", { origin: "https://models.example.evil" }],
    ["an unknown relation", { "sec-fetch-site": "neighbour" }],
  ])("of %s is refused, also for paths and methods that do not exist", async (_, headers) => {
    for (const [path, method] of [
      ["/admin/cache", "GET"],
      ["/admin/cache/purge", "POST"],
      ["/admin/cache/", "OPTIONS"],
      ["/admin", "GET"],
      ["/admin/nothing", "POST"],
    ])
      expect(await statusOf(headers, path, method)).toBe(403);
  });
});

test("pages of other origins may call other routes", async () => {
  const headers = { "sec-fetch-site": "cross-site", origin: "https://app.example" };
  const response = await createTestApp({ config }).request("/docs", { headers });
  expect(response.status).toBe(200);
});

test("without https, a page of the server may call admin routes of the server over http", async () => {
  const home = "http://192.168.1.5:8787";
  const call = (origin: string) => statusOf({ origin }, "/admin/cache", "GET", home);
  expect(await call(home)).toBe(200);
  expect(await call("http://192.168.1.5:8788")).toBe(403);
  expect(await call("http://192.168.1.6:8787")).toBe(403);
});
