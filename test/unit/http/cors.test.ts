import { beforeAll, describe, expect, test, vi } from "vitest";
import { parseConfig } from "../../../src/config.ts";
import { EXPOSED_HEADERS } from "../../../src/http/cors.ts";
import { HEADERS } from "../../../src/protocols/openapi/headers.ts";
import { PARAMETERS } from "../../../src/protocols/openapi/parameters.ts";
import { PROTOCOLS } from "../../../src/protocols/registry.ts";
import { createTestApp } from "../../support/test-app.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/** CORS by `app.request`; test/workerd/cors.test.ts has cached, compressed and real responses. */

const PAGE = "https://app.example";
const OTHER = "https://other.example";

beforeAll(() => {
  stubWorkersGlobals();
  return () => vi.unstubAllGlobals();
});

function request(origins: string, path: string, init: RequestInit = {}): Promise<Response> {
  const config = parseConfig({ CORS_ORIGINS: origins, ADMIN_KEY: "key", PUBLIC_PREDICT: "true" });
  return createTestApp({ config }).request(path, init);
}

const preflight = (origin: string, headers: Record<string, string> = {}): RequestInit => ({
  method: "OPTIONS",
  headers: { origin, "access-control-request-method": "POST", ...headers },
});

const corsHeaders = ({ headers }: Response): [string, string][] =>
  [...headers].filter(([name]) => name.startsWith("access-control-"));

test("without the setting no response has CORS headers, and preflights are refused", async () => {
  for (const init of [{ headers: { origin: PAGE } }, preflight(PAGE)]) {
    const response = await request("", "/docs", init);
    expect(response.status).toBe(init.headers && "method" in init ? 405 : 200);
    expect(corsHeaders(response)).toEqual([]);
    expect(response.headers.get("vary") ?? "").not.toContain("origin");
  }
});

describe.each([
  [`${PAGE}, ${OTHER}`, PAGE],
  ["*", "*"],
])("with CORS_ORIGINS = %j", (origins, allowed) => {
  test.each([
    ["/docs", {}, 200],
    ["/openapi.json", { method: "HEAD" }, 200],
    ["/nothing", {}, 404],
    ["/v2/nothing", {}, 404],
    ["/docs", { method: "PUT" }, 405],
    ["/models/no-such-model", { method: "POST", body: "{}" }, 404],
    ["/v2/models/iris-logistic/infer", { method: "POST", body: "{" }, 400],
    ["/v2/repository/models/iris-logistic/load", { method: "POST" }, 401],
  ])("pages may read the response of %s with %j, %i", async (path, init, status) => {
    const response = await request(origins, path, { ...init, headers: { origin: PAGE } });
    expect(response.status).toBe(status);
    expect(response.headers.get("access-control-allow-origin")).toBe(allowed);
    const exposed = response.headers.get("access-control-expose-headers")?.split(", ");
    expect(exposed).toEqual(EXPOSED_HEADERS);
    expect(response.headers.get("access-control-allow-credentials")).toBeNull();
    expect((response.headers.get("vary") ?? "").includes("origin")).toBe(allowed !== "*");
  });

  test.each(["/models/any", "/v2/models/a/versions/1/infer", "/v1/embeddings", "/", "/nothing"])(
    "a preflight for %s is answered before routing, admission and keys",
    async (path) => {
      const response = await request(origins, path, preflight(PAGE));
      expect([response.status, await response.text()]).toEqual([204, ""]);
      expect(response.headers.get("access-control-allow-origin")).toBe(allowed);
      expect(response.headers.get("access-control-allow-methods")).toBe("GET, HEAD, POST");
      expect(response.headers.get("access-control-max-age")).toBe("86400");
      const names = response.headers.get("access-control-allow-headers")?.split(", ");
      // The admin routes are not for other origins, and neither are the headers that only they take.
      const parameters = PROTOCOLS.filter(({ isAdmin }) => !isAdmin)
        .flatMap(({ operations }) => operations)
        .flatMap(({ parameters = [] }) => parameters.map((name) => PARAMETERS[name]))
        .filter((parameter) => parameter.in === "header");
      expect(names).toEqual(
        expect.arrayContaining([
          "authorization",
          "content-type",
          ...parameters.map(({ name }) => name),
        ]),
      );
      expect(response.headers.get("x-request-id")).not.toBeNull();
      expect(response.headers.get("content-type")).toBeNull();
    },
  );

  test("a preflight allows the headers that clients add, and none that is not a name", async () => {
    const asked = { "access-control-request-headers": "x-stainless-os, X-Trace,content-type" };
    const { headers } = await request(origins, "/v1/embeddings", preflight(PAGE, asked));
    const names = headers.get("access-control-allow-headers")?.split(", ");
    expect(names).toEqual(expect.arrayContaining(["x-stainless-os", "x-trace", "authorization"]));
    expect(names?.filter((name) => name === "content-type")).toHaveLength(1);
    expect(headers.get("vary")).toContain("access-control-request-headers");
    for (const bad of ["a b", "x".repeat(3000), "<script>"]) {
      const response = await request(
        origins,
        "/v1/embeddings",
        preflight(PAGE, { "access-control-request-headers": bad }),
      );
      expect(response.headers.get("access-control-allow-headers")).not.toContain(bad);
    }
  });

  test.each(["/admin/models", "/admin/nothing"])(
    "pages of other origins may not call %s",
    async (path) => {
      expect(corsHeaders(await request(origins, path, preflight(PAGE)))).toEqual([]);
      const headers = { origin: PAGE, authorization: "Bearer key" };
      expect(corsHeaders(await request(origins, path, { headers }))).toEqual([]);
    },
  );

  test("OPTIONS without a requested method is no preflight", async () => {
    const response = await request(origins, "/docs", {
      method: "OPTIONS",
      headers: { origin: PAGE },
    });
    expect(response.status).toBe(405);
    expect(response.headers.get("access-control-allow-origin")).toBe(allowed);
  });
});

test("pages of an origin that is not listed may read nothing", async () => {
  for (const origin of ["https://evil.example", "https://app.example.evil", "null", `${PAGE}:8443`])
    for (const init of [{ headers: { origin } }, preflight(origin)]) {
      const response = await request(`${PAGE},${OTHER}`, "/docs", init);
      expect(corsHeaders(response)).toEqual([]);
      expect(response.headers.get("vary")).toContain("origin");
    }
});

test("a response without an origin varies by it as well", async () => {
  const { headers } = await request(PAGE, "/docs");
  expect(headers.get("vary")).toContain("origin");
  expect(headers.get("access-control-allow-origin")).toBeNull();
});

test("pages may read every documented header of responses", () => {
  // These are always readable, or mean nothing to a page.
  const others = ["cache-control", "content-security-policy", "set-cookie"];
  const documented = Object.keys(HEADERS).filter((name) => !others.includes(name));
  expect(EXPOSED_HEADERS).toEqual(expect.arrayContaining(documented));
});
