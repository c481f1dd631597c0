import { expect, test } from "vitest";
import { pick, toBounded, toDifference } from "../../../../src/domain/audit/audit-bounds.ts";
import type { JsonObject } from "../../../../src/domain/audit/audit-entry.ts";

test("the difference of two states has the fields that differ, also those that only one has", () => {
  const before = { same: { a: [1], b: 2 }, other: 1, removed: true };
  const after = { same: { b: 2, a: [1] }, other: 2, added: null };
  expect(toDifference(before, after)).toEqual({
    before: { other: 1, removed: true },
    after: { other: 2, added: null },
  });
});

test("only fields of the object itself are picked", () => {
  const value = JSON.parse('{"__proto__": 1, "version": "2"}');
  expect(pick(value, ["version", "toString", "constructor"])).toEqual({ version: "2" });
});

function bounded(request: JsonObject): unknown {
  const record = { change: "a", phase: "begun", operation: "o", by: "k" } as const;
  return toBounded({ ...record, details: { request } }).details?.request;
}

test("lists and objects that are deep or long are bounded without walking through them", () => {
  const deep = JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`);
  const long = Array.from({ length: 1_000_000 }, () => 0);
  const wide = Object.fromEntries(long.slice(0, 1000).map((_, index) => [`f${index}`, index]));
  const split = { 1: 90, 2: 10 };
  expect(bounded({ deep, long, wide, split })).toEqual({
    deep: [[[[[[[["(list of 1)"]]]]]]]],
    long: "(list of 1000000)",
    wide: "(object of 1000)",
    split,
  });
});

test("halves of characters, which no UTF-8 has, are replaced", () => {
  expect(bounded({ note: "a\ud800b", list: ["\udc00"] })).toEqual({
    note: "a\ufffdb",
    list: ["\ufffd"],
  });
});
