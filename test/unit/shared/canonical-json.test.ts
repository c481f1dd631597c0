import fc from "fast-check";
import { expect, test } from "vitest";
import { type Json, toCanonicalJson } from "../../../src/shared/canonical-json.ts";

test("the example of RFC 8785 has the canonical form that is in it", () => {
  const value = JSON.parse(String.raw`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  }`);
  expect(toCanonicalJson(value)).toBe(
    String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
  );
});

test("names are in the order of their UTF-16 code units, as the RFC's example has them", () => {
  const names = ["\u20ac", "\r", "\ufb33", "1", "\ud83d\ude00", "\u0080", "\u00f6"];
  const sorted = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\ud83d\ude00", "\ufb33"];
  const text = toCanonicalJson(Object.fromEntries(names.map((name) => [name, 0])));
  expect(text).toBe(`{${sorted.map((name) => `${JSON.stringify(name)}:0`).join(",")}}`);
});

test("a field that is undefined is absent", () => {
  expect(toCanonicalJson({ a: undefined, b: [{ c: undefined }] })).toBe('{"b":[{}]}');
});

test("a value keeps its canonical form when it is read and written again", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const text = toCanonicalJson(value as Json);
      expect(toCanonicalJson(JSON.parse(text))).toBe(text);
      // `toEqual` tells -0 from 0, and JSON does not.
      expect(JSON.stringify(JSON.parse(text))).toHaveLength(JSON.stringify(value).length);
    }),
  );
});
