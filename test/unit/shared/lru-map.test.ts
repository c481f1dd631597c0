import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LruMap } from "../../../src/shared/lru-map.ts";

test.each([
  // The entry that was used last, again and again, stays, and the other one goes.
  ["set a, get a, set b, get a, set c", "b"],
  ["set a, set b, get a, get b, set c", "a"],
  ["set a, set b, get b, get a, set c", "b"],
  ["set a, set b, peek a, set c", "a"],
  ["set a, set b, set a, set c", "b"],
  ["set a, set b, delete b, set b, get a, set c", "b"],
])("of two entries, after %s, %s is evicted", (actions, evicted) => {
  const map = new LruMap<string, string>(2);
  for (const [, kind, key = ""] of actions.matchAll(/(\w+) (\w)/g))
    if (kind === "set") map.set(key, key);
    else if (kind === "get") map.get(key);
    else if (kind === "peek") map.peek(key);
    else map.delete(key);
  expect([..."abc"].filter((key) => map.peek(key) === undefined)).toEqual([evicted]);
});

test("the map does what a list of entries in the order of their use does", () => {
  const LIMIT = 10;
  const action = fc.record({
    kind: fc.constantFrom("get", "peek", "set", "delete"),
    key: fc.constantFrom(..."abcdefgh"),
    weight: fc.nat({ max: 12 }),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
      const removed: number[] = [];
      const map = new LruMap<string, number>(LIMIT, { onRemove: (value) => removed.push(value) });
      let list: { key: string; value: number; weight: number }[] = [];
      const expectedRemoved: number[] = [];
      const remove = (key: string): void => {
        for (const one of list) if (one.key === key) expectedRemoved.push(one.value);
        list = list.filter((one) => one.key !== key);
      };
      for (const [value, { kind, key, weight }] of actions.entries()) {
        const known = list.find((one) => one.key === key);
        if (kind === "peek") expect(map.peek(key)).toBe(known?.value);
        else if (kind === "get") {
          expect(map.get(key)).toBe(known?.value);
          if (known) list = [...list.filter((one) => one !== known), known];
        } else if (kind === "delete") {
          expect(map.delete(key)).toBe(known !== undefined);
          remove(key);
        } else {
          expect(map.set(key, value, weight)).toBe(weight <= LIMIT);
          remove(key);
          if (weight <= LIMIT) list.push({ key, value, weight });
          while (list.reduce((sum, one) => sum + one.weight, 0) > LIMIT)
            remove(list[0]?.key as string);
        }
        expect([...map.values()]).toEqual(list.map((one) => one.value));
        expect(map.size).toBe(list.length);
        expect(map.weight).toBe(list.reduce((sum, one) => sum + one.weight, 0));
        expect(removed).toEqual(expectedRemoved);
      }
    }),
  );
});

describe("a value heavier than the limit", () => {
  test("is not taken, and what it replaces is removed", () => {
    const map = new LruMap<string, string>(5);
    map.set("a", "light", 5);
    expect(map.set("a", "heavy", 6)).toBe(false);
    expect([map.get("a"), map.size, map.weight]).toEqual([undefined, 0, 0]);
  });

  test("evicts no other entry", () => {
    const map = new LruMap<string, string>(5);
    map.set("a", "light", 5);
    map.set("b", "heavy", 6);
    expect(map.get("a")).toBe("light");
  });
});

test("entries may be deleted while the values are iterated", () => {
  const map = new LruMap<number, number>(10);
  for (let key = 0; key < 5; key++) map.set(key, key);
  const seen: number[] = [];
  for (const value of map.values()) {
    seen.push(value);
    map.delete(value);
  }
  expect([seen, map.size]).toEqual([[0, 1, 2, 3, 4], 0]);
});
