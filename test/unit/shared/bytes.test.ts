import { expect, test } from "vitest";
import { concatenateBytes, totalBytes } from "../../../src/shared/bytes.ts";

test("parts are joined in their order, as far as their views reach", () => {
  const buffer = Uint8Array.of(9, 1, 2, 9);
  const parts = [buffer.subarray(1, 3), new Uint8Array(), Uint8Array.of(3)];
  expect(totalBytes(parts)).toBe(3);
  expect([...concatenateBytes(parts)]).toEqual([1, 2, 3]);
  expect([...concatenateBytes(parts, 3)]).toEqual([1, 2, 3]);
});

test("no parts are no bytes", () => {
  expect(concatenateBytes([])).toEqual(new Uint8Array());
  expect(totalBytes([])).toBe(0);
});

test("a single part is returned itself", () => {
  const part = Uint8Array.of(1, 2);
  expect(concatenateBytes([part])).toBe(part);
});
