import { createHash } from "node:crypto";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { createOpenApiDocument } from "../../../src/protocols/openapi/document.ts";
import { PROTOCOLS } from "../../../src/protocols/registry.ts";
import { createTestApp } from "../../support/test-app.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/** The OpenAPI document and its page by `app.request`; test/workerd/openapi.test.ts compares them with responses. */

beforeAll(() => {
  stubWorkersGlobals();
  return () => vi.unstubAllGlobals();
});

test("the document is that of all protocols and of the server's version", async () => {
  const response = await createTestApp().request("/openapi.json");
  const document = JSON.parse(
    JSON.stringify(createOpenApiDocument(PROTOCOLS, "1.2.3", { publicPredict: true })),
  );
  expect(await response.json()).toEqual(document);
});

test("the page allows its own style and nothing else", async () => {
  const response = await createTestApp().request("/docs");
  const [, style = ""] = /<style>(.*?)<\/style>/s.exec(await response.text()) ?? [];
  const digest = createHash("sha256").update(style).digest("base64");
  expect(response.headers.get("content-security-policy")).toContain(`style-src 'sha256-${digest}'`);
  expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
});

test.each(["/", "/openapi.json", "/docs"])(
  "%s refuses other methods than GET and HEAD",
  async (path) => {
    const response = await createTestApp().request(path, { method: "POST" });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  },
);

describe.each(["/", "/docs", "/openapi.json"])("%s", (path) => {
  const get = (headers: Record<string, string> = {}, method = "GET"): Promise<Response> =>
    createTestApp().request(path, { headers, method });

  test(`${path} has an entity tag, by which clients ask whether it is current`, async () => {
    const { headers } = await get();
    const etag = headers.get("etag") ?? "";
    expect(etag).toMatch(/^W\/"[0-9a-f]{32}"$/);
    expect(headers.get("cache-control")).toBe("no-cache");
    const again = await get({ "if-none-match": `"other", ${etag}` });
    expect([again.status, await again.text()]).toEqual([304, ""]);
    expect(again.headers.get("etag")).toBe(etag);
    expect(again.headers.get("cache-control")).toBe("no-cache");
    expect((await get({ "if-none-match": '"other"' })).status).toBe(200);
  });

  test(`${path} responds to HEAD without a body`, async () => {
    const response = await get({}, "HEAD");
    expect([response.status, await response.text()]).toEqual([200, ""]);
    expect(response.headers.get("etag")).toBe((await get()).headers.get("etag"));
  });
});

describe("GET /", () => {
  const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

  test("browsers get a page with links and a request to try", async () => {
    const response = await createTestApp().request("https://models.example/", {
      headers: { accept: BROWSER },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(response.headers.get("vary")).toContain("accept");
    const page = await response.text();
    for (const path of ["/docs", "/openapi.json", "/v2/models"])
      expect(page).toContain(`<a href="${path}">`);
    expect(page).toContain("curl -X POST https://models.example/models/iris-logistic");
    expect(page).not.toMatch(/<script|<link|<img|style=/i);
    const { headers } = await createTestApp().request("/docs");
    expect(response.headers.get("content-security-policy")).toBe(
      headers.get("content-security-policy"),
    );
  });

  test.each([undefined, "*/*", "application/json"])(
    "clients with the accept header %s get JSON",
    async (accept) => {
      const response = await createTestApp().request("https://models.example/", {
        headers: accept === undefined ? {} : { accept },
      });
      expect(response.headers.get("content-type")).toBe("application/json");
      expect(response.headers.get("vary")).toBe("accept");
      expect(await response.json()).toEqual({
        name: "onnxflare",
        version: "1.2.3",
        status: "alive",
        docs: "https://models.example/docs",
        openapi: "https://models.example/openapi.json",
        models: "https://models.example/v2/models",
        ready: "https://models.example/v2/health/ready",
      });
    },
  );

  test("the page and the JSON have entity tags of their own", async () => {
    const page = await createTestApp().request("/", { headers: { accept: BROWSER } });
    const json = await createTestApp().request("/");
    expect(page.headers.get("etag")).not.toBe(json.headers.get("etag"));
  });
});

test("pages fit a phone: a viewport as wide as the device, and a table's cells below each other", async () => {
  const page = await (await createTestApp().request("/docs")).text();
  expect(page).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">');
  expect(page).toMatch(/@media \(max-width: 40rem\) \{\s+th, td \{ display: block;/);
});

test.each(["/", "/docs"])(
  "%s shows the host of the request only where it is a plain name",
  async (path) => {
    const page = async (host: string): Promise<string> => {
      const headers = { accept: "text/html" };
      return (await createTestApp().request(`https://${host}${path}`, { headers })).text();
    };
    expect(await page("models.example:8443")).toContain("https://models.example:8443/models/");
    // Characters that URLs allow in hosts.
    const odd = await page(`a"onload='b'&c`);
    expect(odd).toContain("https://server.example/models/");
    expect(odd).not.toContain("onload");
  },
);
