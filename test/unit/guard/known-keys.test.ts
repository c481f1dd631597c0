import { expect, test } from "vitest";
import type { VerifiableKey } from "../../../src/domain/access/key-authority.ts";
import { KnownKeys } from "../../../src/guard/known-keys.ts";

const found = (id: string): VerifiableKey => ({
  policy: { id, name: id, scopes: ["predict"] },
  state: "active",
  digests: [{ sha256: "0".repeat(64) }],
});

test("keys that nobody uses any more leave memory after the time of grace", () => {
  const keys = new KnownKeys(60_000);
  keys.put("seldom", found("seldom"), 0);
  keys.put("unknown", undefined, 0);
  keys.put("often", found("often"), 1000);
  keys.put("often", found("often"), 60_000);
  expect(["seldom", "unknown", "often"].filter((id) => keys.get(id))).toHaveLength(3);
  keys.put("often", found("often"), 60_001);
  expect(["seldom", "unknown", "often"].filter((id) => keys.get(id))).toEqual(["often"]);
});

test("an answer that arrives after a later one is not used", () => {
  const keys = new KnownKeys(60_000);
  keys.put("a", undefined, 2000);
  keys.put("a", found("a"), 1000);
  expect(keys.get("a")?.found).toBeUndefined();
  keys.put("a", found("a"), 2000);
  expect(keys.get("a")?.found).toBeDefined();
});

test("ids that no key has evict no key", () => {
  const keys = new KnownKeys(60_000);
  keys.put("a", found("a"), 0);
  for (let i = 0; i < 20_000; i++) keys.put(`unknown-${i}`, undefined, 0);
  expect(keys.get("a")?.found).toBeDefined();
  expect(keys.get("unknown-0")).toBeUndefined();
});
