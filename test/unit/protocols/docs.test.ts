import { createHash } from "node:crypto";
import { beforeAll, expect, test, vi } from "vitest";
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
  const document = JSON.parse(JSON.stringify(createOpenApiDocument(PROTOCOLS, "1.2.3")));
  expect(await response.json()).toEqual(document);
});

test("the page allows its own style and nothing else", async () => {
  const response = await createTestApp().request("/docs");
  const [, style = ""] = /<style>(.*?)<\/style>/s.exec(await response.text()) ?? [];
  const digest = createHash("sha256").update(style).digest("base64");
  expect(response.headers.get("content-security-policy")).toContain(`style-src 'sha256-${digest}'`);
  expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
});

test.each(["/openapi.json", "/docs"])(
  "%s refuses other methods than GET and HEAD",
  async (path) => {
    const response = await createTestApp().request(path, { method: "POST" });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  },
);
