import { describe, expect, test } from "vitest";
import {
  formatBytes,
  formatCount,
  formatDollars,
  formatDuration,
  formatNumber,
  formatPercent,
  shareOf,
} from "../../../../packages/ui/src/format.ts";

describe("numbers of the dashboard", () => {
  test.each([
    [formatCount, 0, "0"],
    [formatCount, 128_430, "128,430"],
    [formatCount, 12_345_678, "12.3M"],
    [formatNumber, 0.035_61, "0.0356"],
    [formatNumber, -5.849, "-5.85"],
    [formatPercent, 0.262_3, "26.2%"],
    [formatDuration, 0, "0 ms"],
    [formatDuration, 0.94, "940 µs"],
    [formatDuration, 15.84, "15.8 ms"],
    [formatDuration, 999.9, "1,000 ms"],
    [formatDuration, 61_000, "61 s"],
    [formatDuration, 900_000, "15 min"],
    [formatBytes, 0, "0 B"],
    [formatBytes, 16_777_216, "16.8 MB"],
    [formatBytes, 1e15, "1,000 TB"],
    [formatDollars, 0, "$0"],
    [formatDollars, 0.000_041_2, "$0.000041"],
    [formatDollars, 0.000_000_5, "< $0.000001"],
    [formatDollars, 12.345, "$12.35"],
  ])("%o of %d is written %s", (format, value, expected) => {
    expect(format(value)).toBe(expected);
  });

  test("what is not known is a dash", () => {
    for (const format of [formatCount, formatNumber, formatPercent, formatDuration, formatBytes])
      for (const unknown of [undefined, null, Number.NaN]) expect(format(unknown)).toBe("–");
  });

  test("a share of nothing is not known", () => {
    expect([shareOf(0, 0), shareOf(0, 4), shareOf(1, 4)]).toEqual([undefined, 0, 0.25]);
  });
});
