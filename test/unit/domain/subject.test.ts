import { describe, expect, test } from "vitest";
import { cachePartition, fromPartition } from "../../../src/domain/cache-partition.ts";
import { parseSubjectId } from "../../../src/domain/subject.ts";
import { catchApiError } from "../../support/errors.ts";

describe("the id of a subject", () => {
  test.each([
    "user-42",
    "jane@example.org",
    "auth0|5f7c8ec7c33c6c004bbafe82",
    "Z2l0aHVi/+==",
    "~",
    "x".repeat(256),
  ])("may be %s", (id) => {
    expect(parseSubjectId(id)).toBe(id);
  });

  test.each([
    ["nothing", ""],
    ["spaces", "Jane Doe"],
    ["what two headers of one name are joined to", "one, two"],
    ["a comma", "one,two"],
    ["other characters than those of ASCII", "Jos\u00e9"],
    ["control characters", "a\tb"],
    ["more than 256 characters", "x".repeat(257)],
    ["another type", 42],
  ])("may not be %s, and is not repeated in the error", (_, id) => {
    const error = catchApiError("invalid_request", () => parseSubjectId(id, "subject"));
    expect(error.details).toEqual({ field: "subject" });
    if (String(id).length > 3) expect(error.message).not.toContain(String(id));
  });
});

describe("the partition of a cache entry", () => {
  const principal = { id: async () => "abcdefghijkl" };
  const subject = "0123456789abcdef0123456789abcdef";
  const of = (scope: "public" | "key") =>
    ({ cache: { scope } }) as Parameters<typeof cachePartition>[0];

  test.each([
    ["public", undefined, undefined],
    ["key", undefined, "abcdefghijkl"],
    ["public", subject, `abcdefghijkl.${subject}`],
    ["key", subject, `abcdefghijkl.${subject}`],
  ] as const)("of a model with scope %s, for subject %s, is %s", async (scope, given, expected) => {
    expect(await cachePartition(of(scope), { principal, subject: given })).toBe(expected);
  });

  test("tells its principal and its subject", () => {
    expect(fromPartition("abc")).toEqual({ principal: "abc", subject: undefined });
    for (const principal of ["abc", "token:0123", "a.b"])
      expect(fromPartition(`${principal}.${subject}`)).toEqual({ principal, subject });
    expect(fromPartition("a.b")).toEqual({ principal: "a.b", subject: undefined });
  });
});
