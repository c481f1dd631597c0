import { describe, expect, test } from "vitest";
import {
  keyHint,
  parsePublicKeys,
  SIGNING_ALGORITHMS,
  toPem,
} from "../../../../src/domain/signature/public-key.ts";
import { readSignatureFixture } from "../../../support/signatures.ts";

/** PEM and ids by Python's cryptography. */
const { keys } = readSignatureFixture();
const PEMS = SIGNING_ALGORITHMS.map((name) => keys[name].publicPem);

describe("public keys", () => {
  test.each(SIGNING_ALGORITHMS)("of %s are read of PEM, and have its id", async (name) => {
    const [key, ...others] = parsePublicKeys(keys[name].publicPem);
    expect(others).toEqual([]);
    expect(key?.algorithm).toBe(name);
    expect(key && toPem(key)).toBe(keys[name].publicPem);
    expect(key && (await keyHint(key))).toBe(keys[name].hint);
  });

  test.each([
    ["PEM one after the other", PEMS.join("")],
    ["PEM with commas", PEMS.join(",")],
    ["PEM with escaped line breaks", PEMS.join("").replaceAll("\n", "\\n")],
    ["base64 with commas", PEMS.map(toBase64).join(", ")],
    ["base64 by lines, and PEM", `${PEMS.slice(1).map(toBase64).join("\n")}\n${PEMS[0]}`],
  ])("are read of %s", (_, text) => {
    expect(
      parsePublicKeys(text)
        .map(({ algorithm }) => algorithm)
        .sort(),
    ).toEqual([...SIGNING_ALGORITHMS].sort());
  });

  test("of Ed25519 are read of the base64 of their 32 bytes", () => {
    const raw = Buffer.from(toBase64(keys.ed25519.publicPem), "base64").subarray(-32);
    expect(parsePublicKeys(raw.toString("base64"))).toEqual(
      parsePublicKeys(keys.ed25519.publicPem),
    );
  });

  test("are none in an empty text", () => {
    expect(parsePublicKeys(" \n")).toEqual([]);
  });

  test.each([
    ["a text", "key"],
    ["a private key", keys.ed25519.privatePem],
    ["another length", Buffer.alloc(31).toString("base64")],
    ["PEM that was cut", PEMS[1]?.replace(/.{10}\n-----END/, "\n-----END") ?? ""],
    ["PEM of no key", PEMS[0]?.replace(/\n.*\n/, "\nAAAA\n") ?? ""],
  ])("are refused of %s", (_, text) => {
    expect(() => parsePublicKeys(text)).toThrow("a public key is PEM");
  });
});

function toBase64(pem: string): string {
  return pem.replaceAll(/-----.*-----|\s/g, "");
}
