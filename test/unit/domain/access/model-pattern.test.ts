import { describe, expect, it } from "vitest";
import { MODEL_PATTERN, matchesModel } from "../../../../src/domain/access/model-pattern.ts";

describe("matchesModel", () => {
  it.each([
    ["iris", "iris", true],
    ["iris", "iris-2", false],
    ["iris", "an-iris", false],
    ["*", "anything", true],
    ["team-*", "team-", true],
    ["team-*", "team-a", true],
    ["team-*", "other-team-a", false],
    ["*-int8", "bert-int8", true],
    ["*-int8", "bert-int8-2", false],
    ["a*b*c", "a-b-c", true],
    ["a*b*c", "abc", true],
    ["a*b*c", "acb", false],
    ["ab*ba", "aba", false],
    ["ab*ba", "abba", true],
    ["a.c", "abc", false],
    ["**", "x", true],
    ["a**b", "ab", true],
  ])("%s %s: %s", (pattern, name, expected) => {
    expect(matchesModel([pattern], name)).toBe(expected);
  });

  it("needs one of several patterns", () => {
    expect(matchesModel(["iris", "team-*"], "team-a")).toBe(true);
    expect(matchesModel(["iris", "team-*"], "mnist")).toBe(false);
    expect(matchesModel([], "iris")).toBe(false);
  });

  it("takes no time that grows with the number of stars", () => {
    const pattern = `${"a*".repeat(31)}b`;
    expect(MODEL_PATTERN.test(pattern)).toBe(true);
    expect(matchesModel([pattern], "a".repeat(63))).toBe(false);
  });

  it("has no other wildcards than the star", () => {
    for (const pattern of ["", "I*", "a?", "a/b", "a b", "[a]", ".a", `${"a".repeat(64)}`])
      expect(MODEL_PATTERN.test(pattern), pattern).toBe(false);
  });
});
