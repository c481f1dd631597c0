import fc from "fast-check";

const MAX_CODE_POINT = 0x10ffff;

/**
 * Any code point, halves of surrogate pairs as well. The unit "binary" of `fc.string` has the same ones, but first
 * makes a table of all of them (measured: 0.7 s in each process).
 */
const anyCodePoint = fc.nat({ max: MAX_CODE_POINT }).map(
  (point) => String.fromCodePoint(point),
  (text) => {
    const point = typeof text === "string" ? text.codePointAt(0) : undefined;
    if (point === undefined || String.fromCodePoint(point) !== text)
      throw new Error("not one code point");
    return point;
  },
);

/** Any text of at most so many code points. */
export function anyText(maxLength: number): fc.Arbitrary<string> {
  return fc.string({ unit: anyCodePoint, maxLength });
}
