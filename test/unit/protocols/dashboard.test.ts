import { expect, test } from "vitest";
import type { StaticAssets } from "../../../src/domain/static-assets.ts";
import { createTestApp } from "../../support/test-app.ts";

const FILES: Record<string, { text: string; contentType: string }> = {
  "/dashboard": { text: "<!doctype html>", contentType: "text/html; charset=utf-8" },
  "/dashboard/licenses.txt": { text: "MIT", contentType: "text/plain; charset=utf-8" },
  "/dashboard/app-1a2b3c4d.js": { text: "render();", contentType: "text/javascript" },
};

const asked: string[] = [];
const assets: StaticAssets = {
  async read(path) {
    asked.push(path);
    const file = FILES[path];
    return (
      file && {
        bytes: new Uint8Array(Buffer.from(file.text)),
        contentType: file.contentType,
        etag: `"${file.text.length}"`,
      }
    );
  },
};

test("the dashboard is a page that may load scripts, styles and data of its own server alone", async () => {
  const response = await createTestApp({ assets }).request("/dashboard");
  expect([response.status, await response.text()]).toEqual([200, "<!doctype html>"]);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-cache",
    "content-security-policy":
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
  });
});

test("a file of the dashboard, whose name has its hash, is stored by browsers for good", async () => {
  const { request } = createTestApp({ assets });
  const response = await request("/dashboard/app-1a2b3c4d.js");
  expect([response.status, await response.text()]).toEqual([200, "render();"]);
  expect(response.headers.get("content-type")).toBe("text/javascript");
  expect(response.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
  expect(response.headers.get("x-content-type-options")).toBe("nosniff");
});

test("a file whose name has no hash is asked for again", async () => {
  const response = await createTestApp({ assets }).request("/dashboard/licenses.txt");
  expect([response.status, response.headers.get("cache-control")]).toEqual([200, "no-cache"]);
});

test("a file that the browser has is not sent again", async () => {
  const { request } = createTestApp({ assets });
  for (const path of Object.keys(FILES)) {
    const etag = (await request(path)).headers.get("etag") ?? "";
    expect(etag).toMatch(/^W\//);
    const again = await request(path, { headers: { "if-none-match": etag } });
    expect([again.status, await again.text()]).toEqual([304, ""]);
  }
});

test("the path with a slash at its end leads to the one without, under each prefix", async () => {
  for (const prefix of ["", "/ai"]) {
    const response = await createTestApp({ assets, prefix }).request(`${prefix}/dashboard/`);
    expect(response.status).toBe(308);
    const location = response.headers.get("location") ?? "";
    expect(new URL(location, `http://a.example${prefix}/dashboard/`).pathname).toBe(
      `${prefix}/dashboard`,
    );
  }
});

test.each(["nothing.js", "..%2Fwrangler.toml", "a%00.js", "app-1a2b3c4d.js%3Fa", "a b.js"])(
  "the file %s, which does not exist, is a 404 in the form of errors",
  async (name) => {
    asked.length = 0;
    const response = await createTestApp({ assets }).request(`/dashboard/${name}`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ status: 404, code: expect.any(String) });
    for (const path of asked) expect(path).toMatch(/^\/dashboard\/[\w.-]+$/);
  },
);

test("without the binding ASSETS the dashboard says that it is missing, and where it is documented", async () => {
  const { request } = createTestApp({ assets: undefined });
  for (const path of Object.keys(FILES)) {
    const response = await request(path);
    expect(response.status).toBe(501);
    expect(await response.json()).toMatchObject({
      code: "not_supported",
      detail: expect.stringMatching(/ASSETS.*docs\/dashboard\.md/),
    });
  }
});

test("assets without a dashboard are a 404 that names the document", async () => {
  const empty: StaticAssets = { read: async () => undefined };
  const response = await createTestApp({ assets: empty }).request("/dashboard");
  expect(await response.json()).toMatchObject({
    code: "asset_not_found",
    detail: expect.stringContaining("docs/dashboard.md"),
  });
});
