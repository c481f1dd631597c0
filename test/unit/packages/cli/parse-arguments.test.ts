import { InvalidArgumentError } from "commander";
import { describe, expect, test } from "vitest";
import {
  formatReference,
  parseAliasArgument,
  parseDurationArgument,
  parseReferenceArgument,
  parseSampleArgument,
  parseShareArgument,
  parseTimeArgument,
  parseVersionArgument,
} from "../../../../packages/cli/src/parse-arguments.ts";

describe("a reference", () => {
  test.each([
    ["digits", { model: "digits", at: undefined }],
    ["digits@canary", { model: "digits", at: "canary" }],
    ["digits@12", { model: "digits", at: "12" }],
  ])("%s is a model with what is asked of it", (text, reference) => {
    expect(parseReferenceArgument(text)).toEqual(reference);
    expect(formatReference(reference)).toBe(text);
  });

  test.each(["", "Digits", "digits@", "digits@Canary", "digits@01", "digits@a@b", "a/b"])(
    "%j is refused",
    (text) => expect(() => parseReferenceArgument(text)).toThrow(InvalidArgumentError),
  );
});

test.each(["0", "01", "-1", "newest", "1.5"])("version %s is refused", (text) => {
  expect(() => parseVersionArgument(text)).toThrow(InvalidArgumentError);
});

test.each(["1", "Canary", "-a", "a_b", "a".repeat(64)])("alias %s is refused", (text) => {
  expect(() => parseAliasArgument(text)).toThrow(InvalidArgumentError);
});

describe("shares", () => {
  test("are versions with weights, in their order", () => {
    expect(parseShareArgument("2=0.5", parseShareArgument("1=90"))).toEqual([
      ["1", 90],
      ["2", 0.5],
    ]);
  });

  test.each(["1", "1=", "1=0", "1=-1", "a=1", "1=1=1", "1=x", "0=1"])("%s is refused", (text) => {
    expect(() => parseShareArgument(text)).toThrow(InvalidArgumentError);
  });

  test("of one version twice are refused", () => {
    expect(() => parseShareArgument("1=5", [["1", 90]])).toThrow("Version 1 has a share already");
  });
});

test.each([
  ["0.1", 0.1],
  ["1", 1],
  ["10%", 0.1],
  ["0.5%", 0.005],
])("the sample %s is %d", (text, sample) => {
  expect(parseSampleArgument(text)).toBeCloseTo(sample, 12);
});

test.each(["0", "1.1", "200%", "-1", "x", "%"])("the sample %s is refused", (text) => {
  expect(() => parseSampleArgument(text)).toThrow(InvalidArgumentError);
});

test.each([
  ["90s", 90],
  ["30m", 1800],
  ["2h", 7200],
  ["7d", 604_800],
])("%s is %d seconds", (text, seconds) => {
  expect(parseDurationArgument(text)).toBe(seconds);
});

test.each(["5", "h", "1w", "-1h", "1.5h"])("the duration %s is refused", (text) => {
  expect(() => parseDurationArgument(text)).toThrow(InvalidArgumentError);
});

describe("a time", () => {
  test("of ISO 8601 is the time in UTC", () => {
    expect(parseTimeArgument("2026-11-30T15:00:00+01:00")).toBe("2026-11-30T14:00:00.000Z");
    expect(parseTimeArgument("2026-11-30")).toBe("2026-11-30T00:00:00.000Z");
  });

  test("may be the duration since then", () => {
    const ago = Date.now() - Date.parse(parseTimeArgument("2h"));
    expect(ago).toBeGreaterThanOrEqual(7_200_000);
    expect(ago).toBeLessThan(7_200_000 + 60_000);
  });

  test.each(["yesterday", "2026", "2026-13-01", "15:00", "1764514800"])("%s is refused", (text) => {
    expect(() => parseTimeArgument(text)).toThrow(InvalidArgumentError);
  });
});
