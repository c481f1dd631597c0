import { expect, test } from "vitest";
import { hashBytes, hashText } from "../../../src/shared/fnv1a.ts";

/** Source: the test vectors of http://www.isthe.com/chongo/src/fnv/test_fnv.c, FNV-1a of 32 bits. */
const VECTORS: readonly (readonly [string, number])[] = [
  ["", 0x811c9dc5],
  ["a", 0xe40c292c],
  ["b", 0xe70c2de5],
  ["foo", 0xa9f37ed7],
  ["foobar", 0xbf9cf968],
  ["chongo was here!\n", 0xd49930d5],
];

test.each(VECTORS)("the hash of %j is that of the reference", (text, hash) => {
  expect(hashText(text)).toBe(hash);
  expect(hashBytes(new TextEncoder().encode(text))).toBe(hash);
});

test("another multiplier gives another hash", () => {
  expect(hashText("foobar", 0x85ebca6b)).not.toBe(hashText("foobar"));
});
