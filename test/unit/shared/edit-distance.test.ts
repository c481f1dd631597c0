import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { alignLists } from "../../../src/shared/edit-distance.ts";

const LONG =
  "53453451011550240402412141522333354443252150530020035245432312215001545142203430315513554304201343354233003231102422352323233450322102402551040125033055253553103145130125533302521140553243212400424050";
const OTHER =
  "25034203254203145253344550251034443052545053245304111152012215535201051215035355443342552245001203354144441403551132411021154530435213232105421323014042044454505544455345101020114151531013000400213553342313114320142555003251001304";

/** By `Levenshtein.distance` of RapidFuzz 3.14.6. */
test.each([
  ["", "", 0, 0],
  ["abc", "", 3, 0],
  ["kitten", "sitting", 3, 0],
  ["intention", "execution", 5, 0],
  ["abcdef", "abcef", 1, 3],
  ["abab", "ab", 2, 2],
  [LONG, OTHER, 142, 0],
])("the edits of %j and %j are %i, after %i equal elements", (first, second, edits, leading) => {
  expect(alignLists([...first], [...second])).toEqual({ edits, leading });
});

describe("the edit distance", () => {
  const list = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 40 });

  test("does not depend on the order of the lists", () => {
    fc.assert(
      fc.property(list, list, (a, b) => {
        expect(alignLists(a, b)).toEqual(alignLists(b, a));
      }),
    );
  });

  test("is at least the difference of the lengths and at most the longer one", () => {
    fc.assert(
      fc.property(list, list, (a, b) => {
        const { edits } = alignLists(a, b);
        expect(edits).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
        expect(edits).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });

  test("is at most that by way of a third list", () => {
    fc.assert(
      fc.property(list, list, list, (a, b, c) => {
        const direct = alignLists(a, c).edits;
        expect(direct).toBeLessThanOrEqual(alignLists(a, b).edits + alignLists(b, c).edits);
      }),
    );
  });

  test("of lists whose table would be too large is the number of elements between the equal ends", () => {
    const a = Array.from({ length: 5000 }, (_, index) => index);
    const b = a.map((value) => -value);
    expect(alignLists([7, ...a.slice(1), 8], [7, ...b.slice(1), 9, 8])).toEqual({
      edits: 5000,
      leading: 1,
    });
  });
});
