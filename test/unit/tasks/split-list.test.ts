import { expect, test } from "vitest";
import { splitList } from "../../../src/tasks/preprocessor.ts";

class TooMany extends Error {}

function refuseTwo(count: number): void {
  if (count > 1) throw new TooMany(`${count}`);
}

test("a list of too many values is refused before an item is made of any", () => {
  const list = Object.defineProperty([1, 2], 0, {
    get: () => expect.fail("a value was read"),
  });
  expect(() => splitList(list, refuseTwo)).toThrow(new TooMany("2"));
});

test("items are named by their place in the list", () => {
  expect(splitList(["a"], refuseTwo)).toEqual({
    items: [{ value: "a", path: "inputs[0]" }],
    form: "list",
  });
  expect(splitList("a", refuseTwo)).toEqual({
    items: [{ value: "a", path: "inputs" }],
    form: "one",
  });
});
