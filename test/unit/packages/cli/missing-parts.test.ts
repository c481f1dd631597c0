import * as fc from "fast-check";
import { expect, test } from "vitest";
import { missingParts } from "../../../../packages/cli/src/push/missing-parts.ts";
import type { ByteRange } from "../../../../src/domain/byte-ranges.ts";

test("a file that was never sent is sent in parts", () => {
  expect(missingParts(25, [], 10)).toEqual([
    { start: 0, end: 9 },
    { start: 10, end: 19 },
    { start: 20, end: 24 },
  ]);
});

test("what the server has is not sent again", () => {
  const received = [
    { start: 10, end: 19 },
    { start: 0, end: 4 },
  ];
  expect(missingParts(25, received, 10)).toEqual([
    { start: 5, end: 9 },
    { start: 20, end: 24 },
  ]);
});

test("nothing is left of a complete file", () => {
  expect(missingParts(25, [{ start: 0, end: 24 }], 10)).toEqual([]);
});

test("parts and received ranges make up the file, without an overlap", async () => {
  const arbitrary = fc.record({
    size: fc.integer({ min: 1, max: 200 }),
    part: fc.integer({ min: 1, max: 50 }),
    cuts: fc.uniqueArray(fc.integer({ min: 0, max: 200 }), { maxLength: 12 }),
  });
  await fc.assert(
    fc.property(arbitrary, ({ size, part, cuts }) => {
      const sorted = cuts.filter((cut) => cut <= size).sort((a, b) => a - b);
      // Each second range between two cuts has arrived.
      const received = sorted.flatMap((cut, index): ByteRange[] => {
        const next = sorted[index + 1];
        return index % 2 === 0 && next !== undefined ? [{ start: cut, end: next - 1 }] : [];
      });
      const parts = missingParts(size, received, part);
      const covered = new Array<number>(size).fill(0);
      for (const { start, end } of [...parts, ...received])
        for (let at = start; at <= end; at++) covered[at] = (covered[at] ?? 0) + 1;
      for (const { start, end } of parts) expect(end - start + 1).toBeLessThanOrEqual(part);
      expect(covered.every((count) => count === 1)).toBe(true);
    }),
  );
});
