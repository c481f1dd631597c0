import { expect, test } from "vitest";
import { createStaticAssets } from "../../../src/storage/static-assets.ts";

function answering(status: number, body: string | null, headers: Record<string, string> = {}) {
  const urls: string[] = [];
  const assets = createStaticAssets({
    fetch: async (input: RequestInfo | URL) => {
      urls.push(String(input));
      return new Response(body, { status, headers });
    },
  });
  return { assets, urls };
}

test("a static asset has the bytes, the type and the entity tag of the platform's answer", async () => {
  const headers = { "content-type": "text/css", etag: '"1"' };
  const { assets, urls } = answering(200, "a{}", headers);
  expect(await assets.read("/dashboard/a.css")).toEqual({
    bytes: new TextEncoder().encode("a{}"),
    contentType: "text/css",
    etag: '"1"',
  });
  expect(urls.map((url) => new URL(url).pathname)).toEqual(["/dashboard/a.css"]);
});

test("an asset that does not exist is undefined", async () => {
  expect(await answering(404, "").assets.read("/a")).toBeUndefined();
});

test.each([307, 500])("the status %i of the binding is a failure of storage", async (status) => {
  await expect(answering(status, null).assets.read("/a")).rejects.toMatchObject({
    code: "storage_failed",
  });
});
