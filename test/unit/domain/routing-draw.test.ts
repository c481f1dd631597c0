import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { drawVersion, type RequestTraits, versionAt } from "../../../src/domain/routing-draw.ts";
import { splitOf } from "../../support/routings.ts";

const split = splitOf({ 1: 90, 2: 10 });
const ENCODER = new TextEncoder();

/** Traits that fail to be read, except these. */
function traits(known: Partial<RequestTraits>): RequestTraits {
  return new Proxy(known as RequestTraits, {
    get(target, name) {
      if (name in target) return Reflect.get(target, name);
      throw new Error(`${String(name)} is read`);
    },
  });
}

test.each([
  [0, "1"],
  [0.8999, "1"],
  [0.9, "2"],
  [0.9999, "2"],
])("the point %d of the weights 90 and 10 is version %s", (point, version) => {
  expect(versionAt(split, point)).toBe(version);
  expect(drawVersion({ split }, "m@a", traits({ random: point }))).toBe(version);
});

test("every point of any weights is one of the versions, in their proportion", () => {
  const weights = fc.array(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), {
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(
    fc.property(
      weights,
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (all, point) => {
        const list = all.map((weight, index) => ({ version: String(index + 1), weight }));
        const total = all.reduce((sum, weight) => sum + weight, 0);
        const index = list.findIndex(({ version }) => version === versionAt(list, point));
        const below = all.slice(0, index).reduce((sum, weight) => sum + weight, 0) / total;
        expect(point).toBeGreaterThanOrEqual(below - 1e-9);
        expect(point).toBeLessThanOrEqual(below + (all[index] ?? 0) / total + 1e-9);
      },
    ),
  );
});

test("a single version, and a request that runs no model, need nothing of the request", () => {
  expect(drawVersion({ split: splitOf({ 7: 3 }), sticky: "header" }, "m@a", traits({}))).toBe("7");
  expect(drawVersion({ split, sticky: "input" }, "m@a", undefined)).toBe("1");
});

describe("a sticky split", () => {
  const even = splitOf({ 1: 50, 2: 50 });

  // The hashes of scikit-learn's murmurhash3_32, seeded with that of the scope, are at 0.2203, 0.5964 and 0.9349.
  test.each([
    ["customer-1", "1"],
    ["customer-2", "2"],
    ["customer-3", "2"],
  ])("gives %s version %s, by header, key or body", (value, version) => {
    const draw = (sticky: "header" | "key" | "input", known: Partial<RequestTraits>) =>
      drawVersion({ split: even, sticky }, "iris@production", traits(known));
    expect(draw("header", { stickyKey: value })).toBe(version);
    expect(draw("key", { clientKey: value })).toBe(version);
    expect(draw("input", { input: ENCODER.encode(value) })).toBe(version);
  });

  test("draws a request without its header or key at random", () => {
    const draw = (sticky: "header" | "key", known: Partial<RequestTraits>) =>
      drawVersion({ split: even, sticky }, "m@a", traits(known));
    for (const [random, version] of [
      [0.1, "1"],
      [0.9, "2"],
    ] as const) {
      expect(draw("header", { stickyKey: undefined, random })).toBe(version);
      expect(draw("header", { stickyKey: "", random })).toBe(version);
      expect(draw("key", { clientKey: undefined, random })).toBe(version);
    }
  });

  test("has its weights over many keys, and another assignment in another alias", () => {
    const versions = (scope: string): string[] =>
      Array.from({ length: 20_000 }, (_, index) =>
        drawVersion({ split, sticky: "header" }, scope, traits({ stickyKey: `user-${index}` })),
      );
    const [first, second] = [versions("m@a"), versions("m@b")];
    const share = first.filter((version) => version === "2").length / first.length;
    // Five standard deviations of a share of 0.1 in 20,000 draws.
    expect(Math.abs(share - 0.1)).toBeLessThan(0.0106);
    const both = first.filter((version, index) => version === "2" && second[index] === "2").length;
    expect(both / first.length).toBeLessThan(0.02);
  });

  test("keeps those who had the second version when its weight grows", () => {
    const version = (weights: Record<string, number>, key: string) =>
      drawVersion({ split: splitOf(weights), sticky: "key" }, "m@a", traits({ clientKey: key }));
    for (let index = 0; index < 1000; index++)
      if (version({ 1: 90, 2: 10 }, `k${index}`) === "2")
        expect(version({ 1: 50, 2: 50 }, `k${index}`)).toBe("2");
  });
});
