import { expect, test } from "vitest";
import { toHex } from "../../../src/shared/hex.ts";
import { sha256 } from "../../../src/shared/sha256.ts";

/** Source: FIPS 180-2, appendix B.1, and the digest of no bytes. */
test.each([
  ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
])("the digest of %j is that of the standard, as a text and as bytes", async (text, digest) => {
  expect(toHex(await sha256(text))).toBe(digest);
  expect(toHex(await sha256(new TextEncoder().encode(text)))).toBe(digest);
});

test("the digest of a view covers the view alone", async () => {
  const view = new TextEncoder().encode("-abc-").subarray(1, 4);
  expect(await sha256(view)).toEqual(await sha256("abc"));
});
