import fc from "fast-check";
import { parseList, Token } from "structured-headers";
import { describe, expect, test } from "vitest";
import { CACHE_TIERS } from "../../../src/domain/cache.ts";
import {
  type CacheReport,
  createCacheReport,
  type MissReason,
  mergeCacheReports,
  parseCacheControl,
  toCacheStatus,
} from "../../../src/domain/cache-control.ts";

const NONE = { noCache: false, noStore: false, onlyIfCached: false, maxAgeSeconds: undefined };

describe("a request's Cache-Control", () => {
  test.each([
    [undefined, {}],
    ["", {}],
    ["no-cache", { noCache: true }],
    ["no-store", { noStore: true }],
    ["only-if-cached", { onlyIfCached: true }],
    ["max-age=0", { maxAgeSeconds: 0 }],
    ["max-age=60", { maxAgeSeconds: 60 }],
    ['max-age="60"', { maxAgeSeconds: 60 }],
    ["No-Cache, MAX-AGE=7", { noCache: true, maxAgeSeconds: 7 }],
    [" no-store ,only-if-cached,", { noStore: true, onlyIfCached: true }],
    ["max-age=abc", {}],
    ["max-age=-1", {}],
    ["max-age=1.5", {}],
    ["max-age", {}],
    ["max-age=", {}],
    ["max-stale=60, min-fresh=5, no-transform, unknown=1, xno-cache", {}],
  ])("%j is parsed", (header, expected) => {
    expect(parseCacheControl(header)).toEqual({ ...NONE, ...expected });
  });
});

const REASONS: readonly MissReason[] = [
  "disabled",
  "no-store",
  "no-cache",
  "absent",
  "too-old",
  "expired",
  "purged",
];

const anyReport: fc.Arbitrary<CacheReport> = fc
  .record({
    outcome: fc.constantFrom("hit", "miss", "bypass", undefined),
    tier: fc.option(fc.constantFrom(...CACHE_TIERS), { nil: undefined }),
    reason: fc.option(fc.constantFrom(...REASONS), { nil: undefined }),
    key: fc.option(fc.stringMatching(/^[0-9a-f]{64}$/), { nil: undefined }),
    ttlSeconds: fc.option(fc.double({ min: 0, max: 31_536_000, noNaN: true }), { nil: undefined }),
    stored: fc.boolean(),
    collapsed: fc.boolean(),
  })
  .map((parts) => ({ ...createCacheReport(), ...parts }));

/** The one member of the field, read by a parser of structured fields (RFC 9651). */
function parse(field: string): Record<string, unknown> {
  const [member, ...more] = parseList(field);
  expect(more).toEqual([]);
  const [name, parameters] = member ?? [];
  expect(name).toBeInstanceOf(Token);
  expect(String(name)).toBe("onnxflare");
  const plain = (value: unknown): unknown => (value instanceof Token ? value.toString() : value);
  return Object.fromEntries([...(parameters ?? [])].map(([key, value]) => [key, plain(value)]));
}

describe("the Cache-Status field", () => {
  test("Cache-Status is a list of one item with the parameters of RFC 9211 for any report", () => {
    fc.assert(
      fc.property(anyReport, (report) => {
        const { hit, fwd, ttl, stored, collapsed, key, detail, ...more } = parse(
          toCacheStatus(report),
        );
        expect(more).toEqual({});
        // Section 2: hit and fwd exclude each other.
        expect(hit !== undefined && fwd !== undefined).toBe(false);
        expect([undefined, true]).toContain(hit);
        expect([undefined, "bypass", "uri-miss", "miss", "request", "stale"]).toContain(fwd);
        expect(ttl === undefined || Number.isInteger(ttl)).toBe(true);
        expect([undefined, true]).toContain(stored);
        expect([undefined, true]).toContain(collapsed);
        expect(key).toBe(report.key?.slice(0, 12));
        expect(["string", "undefined"]).toContain(typeof detail);
        // Section 2.6: only meaningful where a request was forwarded.
        if (hit) expect(stored).toBeUndefined();
      }),
    );
  });

  const key = `1f0a9ad8fe38${"0".repeat(52)}`;
  test.each<[string, Partial<CacheReport>, Record<string, unknown>]>([
    [
      "a hit",
      { outcome: "hit", tier: "datacenter", ttlSeconds: 59.9, key },
      { hit: true, ttl: 59, key: "1f0a9ad8fe38", detail: "datacenter" },
    ],
    [
      "a miss that is stored",
      { outcome: "miss", reason: "absent", ttlSeconds: 60, stored: true, key },
      { fwd: "miss", ttl: 60, stored: true, key: "1f0a9ad8fe38", detail: "absent" },
    ],
    [
      "a miss that waited for another",
      { outcome: "miss", reason: "absent", collapsed: true, key },
      { fwd: "miss", collapsed: true, key: "1f0a9ad8fe38", detail: "absent" },
    ],
    ["a bypass", { outcome: "bypass", reason: "disabled" }, { fwd: "bypass", detail: "disabled" }],
    ["no-store", { outcome: "bypass", reason: "no-store" }, { fwd: "bypass", detail: "no-store" }],
    ["no-cache", { outcome: "miss", reason: "no-cache" }, { fwd: "request", detail: "no-cache" }],
    ["max-age", { outcome: "miss", reason: "too-old" }, { fwd: "request", detail: "too-old" }],
    ["the ttl", { outcome: "miss", reason: "expired" }, { fwd: "stale", detail: "expired" }],
    ["a purge", { outcome: "miss", reason: "purged" }, { fwd: "miss", detail: "purged" }],
  ])("Cache-Status reports %s", (_, report, expected) => {
    expect(parse(toCacheStatus({ ...createCacheReport(), ...report }))).toEqual(expected);
  });
});

describe("merged reports of several runs", () => {
  const hit: CacheReport = {
    ...createCacheReport(),
    outcome: "hit",
    tier: "isolate",
    key: "a".repeat(64),
    ttlSeconds: 50,
    ageSeconds: 10,
    bytes: 100,
    savedMs: 3,
  };
  const kvHit: CacheReport = { ...hit, tier: "kv", ttlSeconds: 20, ageSeconds: 40, savedMs: 4 };
  const miss: CacheReport = {
    ...createCacheReport(),
    outcome: "miss",
    reason: "absent",
    key: "b".repeat(64),
    ttlSeconds: 60,
    stored: true,
    bytes: 200,
    failures: [{ tier: "kv", problem: "is slow" }],
  };

  test("reports that are all hits are merged to a hit with the largest age", () => {
    expect(mergeCacheReports([hit, kvHit])).toEqual({
      ...hit,
      key: undefined,
      ttlSeconds: 20,
      ageSeconds: 40,
      bytes: 200,
      savedMs: 7,
    });
  });

  test.each([[[hit, miss]], [[miss, hit]]])(
    "reports with a miss among them are merged to a miss",
    (reports) => {
      expect(mergeCacheReports(reports)).toEqual({
        ...miss,
        key: undefined,
        ageSeconds: 10,
        ttlSeconds: 50,
        bytes: 300,
        savedMs: 3,
      });
    },
  );
});
