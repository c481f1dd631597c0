import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CacheReport, createCacheReport } from "../../../src/domain/cache-control.ts";
import { addCacheHeaders, isListed, toEntityTag } from "../../../src/http/cache-headers.ts";
import { respond } from "../../../src/http/respond.ts";
import { createHttpApp } from "../../support/http-app.ts";

const KEY = "0123456789abcdef".repeat(4);
const HIT: Partial<CacheReport> = {
  outcome: "hit",
  tier: "kv",
  key: KEY,
  ttlSeconds: 60.9,
  ageSeconds: 3.7,
};

function headersOf(changes: Partial<CacheReport>): Record<string, string> {
  const headers: Record<string, string> = {};
  addCacheHeaders(headers, { cache: { ...createCacheReport(), ...changes }, hidesCache: false });
  return headers;
}

/** A response with a cache report, as a client receives it. */
async function responseWith(
  report: Partial<CacheReport>,
  options: { variant?: string; status?: number } = {},
  headers: Record<string, string> = {},
): Promise<Response> {
  const app = createHttpApp();
  app.routes.get("/", (c) => {
    Object.assign(c.get("trace").cache, report);
    return respond(c, '{"value":1}', options);
  });
  return app.request("/", { headers });
}

describe("cache-status and age", () => {
  test("are not sent where the cache plays no part", async () => {
    const { headers } = await responseWith({});
    expect([headers.get("cache-status"), headers.get("age")]).toEqual([null, null]);
  });

  test("report a hit, in whole seconds", async () => {
    const { headers } = await responseWith(HIT);
    expect(headers.get("cache-status")).toBe(
      'onnxflare; hit; ttl=60; key="0123456789ab"; detail=kv',
    );
    expect(headers.get("age")).toBe("3");
  });

  test.each<[Partial<CacheReport>, string]>([
    [{ outcome: "bypass", reason: "disabled" }, "onnxflare; fwd=bypass; detail=disabled"],
    [
      { outcome: "miss", reason: "absent", stored: true, ttlSeconds: 60 },
      "onnxflare; fwd=miss; ttl=60; stored; detail=absent",
    ],
    [
      { outcome: "miss", reason: "absent", collapsed: true },
      "onnxflare; fwd=miss; collapsed; detail=absent",
    ],
    [{ outcome: "miss", reason: "no-cache" }, "onnxflare; fwd=request; detail=no-cache"],
    [{ outcome: "miss", reason: "expired" }, "onnxflare; fwd=stale; detail=expired"],
  ])("of %o are %s, without an age", (report, status) => {
    expect(headersOf(report)).toEqual({ "cache-status": status });
  });
});

describe("the entity tag", () => {
  test("is weak, of the key and of a hash of the form", () => {
    expect(toEntityTag(KEY, "json")).toMatch(
      /^W\/"0123456789abcdef0123456789abcdef-[0-9a-f]{16}"$/,
    );
  });

  test("differs by the key, and by each form", () => {
    const variants = ["", "json", "binary", "Json", '["label"]', '["label","scores"]'];
    const tags = variants.flatMap((variant) => [
      toEntityTag(KEY, variant),
      toEntityTag(`f${KEY.slice(1)}`, variant),
    ]);
    expect(new Set(tags).size).toBe(tags.length);
  });

  test("is sent with a prediction that has a form, and with nothing else", async () => {
    const etagOf = async (...args: Parameters<typeof responseWith>): Promise<string | null> =>
      (await responseWith(...args)).headers.get("etag");
    expect(await etagOf(HIT, { variant: "json" })).toBe(toEntityTag(KEY, "json"));
    expect(await etagOf(HIT)).toBeNull();
    expect(await etagOf({}, { variant: "json" })).toBeNull();
    expect(await etagOf(HIT, { variant: "json", status: 400 })).toBeNull();
  });

  test("that the client has gets 304 without a body", async () => {
    const etag = toEntityTag(KEY, "json");
    const response = await responseWith(HIT, { variant: "json" }, { "if-none-match": etag });
    expect([response.status, await response.text()]).toEqual([304, ""]);
    expect(response.headers.get("etag")).toBe(etag);
    expect(response.headers.get("content-type")).toBeNull();
    expect(response.headers.get("cache-status")).toContain("hit");
  });

  test("of another form gets the whole response", async () => {
    const headers = { "if-none-match": toEntityTag(KEY, "binary") };
    const response = await responseWith(HIT, { variant: "json" }, headers);
    expect([response.status, await response.text()]).toEqual([200, '{"value":1}']);
  });
});

describe("If-None-Match", () => {
  const etag = 'W/"abc-1"';

  test.each([etag, '"abc-1"', `"x", ${etag}`, `${etag},"x"`, "*", ' "x" ,  W/"abc-1" '])(
    "%s names the tag",
    (header) => {
      expect(isListed(header, etag)).toBe(true);
    },
  );

  test.each([undefined, "", '"abc"', '"abc-11"', "abc-1", 'w/"abc-1"', '"*"'])(
    "%s does not",
    (header) => {
      expect(isListed(header, etag)).toBe(false);
    },
  );

  test("names a tag wherever it stands in a list", () => {
    const anyTag = fc.stringMatching(/^W?\/?"[a-z0-9-]{0,10}"$/);
    fc.assert(
      fc.property(fc.array(anyTag), fc.array(anyTag), (before, after) => {
        expect(isListed([...before, etag, ...after].join(", "), etag)).toBe(true);
      }),
    );
  });
});

test("headers that must not tell how the cache was used are the same for hits and misses", () => {
  for (const changes of [HIT, { outcome: "miss", reason: "absent", stored: true }] as const) {
    const headers: Record<string, string> = { age: "7" };
    addCacheHeaders(headers, { cache: { ...createCacheReport(), ...changes }, hidesCache: true });
    expect(headers).toEqual({ "cache-status": "onnxflare; detail=hidden" });
  }
});
