import fc from "fast-check";
import { expect, test } from "vitest";
import { linkTo, parsePlace } from "../../../../packages/ui/src/place.ts";

test("a place is its path and its parameters, without those that have no value", () => {
  const link = linkTo(["models", "iris"], { range: "6h", version: undefined, with: "" });
  expect(link).toBe("#/models/iris?range=6h");
  expect(parsePlace(link)).toEqual({ path: ["models", "iris"], query: { range: "6h" } });
});

test("any names come back from a link as they were", () => {
  const name = fc.string({ minLength: 1 }).filter((text) => text.isWellFormed());
  fc.assert(
    fc.property(fc.array(name, { maxLength: 3 }), name, (path, value) => {
      expect(parsePlace(linkTo(path, { a: value }))).toEqual({ path, query: { a: value } });
    }),
  );
});

test("a fragment that is no link is a place too", () => {
  expect(parsePlace("")).toEqual({ path: [], query: {} });
  expect(parsePlace("#/a/%E0%A4%A?b")).toEqual({ path: ["a", "%E0%A4%A"], query: { b: "" } });
});
