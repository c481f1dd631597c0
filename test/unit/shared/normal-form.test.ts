import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type NormalForm, toNormalForm } from "../../../src/shared/normal-form.ts";

const FORMS: readonly NormalForm[] = ["NFC", "NFD", "NFKC", "NFKD"];

/** All that joins what is before it: marks, and letters that decompose to marks or compose backwards. */
const joining = pointsWhere(
  (point) => /\p{M}/u.test(point) || /^[\u1160-\u11ff\u3131-\u3163\uff9e-\uffdc]/.test(point),
).concat("\u{16d67}", "\u{16d68}");
/** Letters that decompose or compose. */
const starters = ["", "a", "\u1ea5", "\u01d5", "\uac00", "\u1100", "\u09c7", "\u{1611e}", "\ufb2a"];

function pointsWhere(matches: (point: string) => boolean): string[] {
  const points: string[] = [];
  for (let code = 0x300; code < 0x20000; code++) {
    const point = code >= 0xac00 && code < 0xe000 ? "" : String.fromCodePoint(code);
    if (matches(point)) points.push(point);
  }
  return points;
}

describe.each(FORMS)("%s", (form) => {
  test("of long runs of any marks is what the engine gives", () => {
    const mark = fc.nat(joining.length - 1).map((at) => joining[at] ?? "");
    const few = fc
      .array(mark, { minLength: 1, maxLength: 4 })
      .chain((pool) =>
        fc.array(fc.oneof(mark, fc.constantFrom(...pool)), { minLength: 25, maxLength: 60 }),
      );
    const text = fc.array(fc.tuple(fc.constantFrom(...starters), few), { maxLength: 3 });
    fc.assert(
      fc.property(text, (runs) => {
        const given = runs.map(([starter, marks]) => starter + marks.join("")).join("");
        expect(toNormalForm(given, form)).toBe(given.normalize(form));
      }),
      { numRuns: 150 },
    );
  });

  test("of every joining character in a run is what the engine gives", () => {
    for (let at = 0; at < joining.length; at += 40) {
      const text = `e${joining.slice(at, at + 40).join("")}\u0345\u0334\u0301`;
      expect(toNormalForm(text, form)).toBe(text.normalize(form));
    }
  });

  // Of each, 65,536 code units took the engine 0.2 to 2.7 seconds.
  test.each([
    "\u0301\u0327\u0316",
    "\u0f73",
    "\u0f81\u0f71",
    "\u{16126}",
    "\u{16d67}",
    "\uff9e\u3099\u0301\uff9f",
    `a${"\u0301\u0316".repeat(15)}`,
  ])("of 65,536 code units of %j takes linear time", (part) => {
    const text = part.repeat(65_536 / part.length);
    const short = text.slice(0, 600);
    expect(toNormalForm(short, form)).toBe(short.normalize(form));
    const start = process.threadCpuUsage().user;
    const { length } = toNormalForm(text, form);
    expect(process.threadCpuUsage().user - start).toBeLessThan(150_000);
    expect(length).toBeGreaterThan(0);
  });
});

test("every character that composes with one before it, or begins with a mark, is known to join", () => {
  const seconds = new Set<string>();
  for (const point of pointsWhere((one) => [...one.normalize("NFD")].length > 1))
    if (point.normalize("NFC") === point)
      for (const part of [...point.normalize("NFD")].slice(1)) seconds.add(part);
  expect([...seconds].filter((part) => !joining.includes(part))).toEqual([]);
});
