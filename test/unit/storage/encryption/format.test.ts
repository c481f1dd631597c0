import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { toHex } from "../../../../src/shared/hex.ts";
import { sha256 } from "../../../../src/shared/sha256.ts";
import { createEncryptedObjectStore } from "../../../../src/storage/encrypted-object-store.ts";
import { encryptBytes, encryptStream } from "../../../../src/storage/encryption/encrypt-stream.ts";
import {
  CHUNK_BYTES,
  parseHeader,
  plainSize,
  storedSize,
} from "../../../../src/storage/encryption/format.ts";
import { KeyRing } from "../../../../src/storage/encryption/key-ring.ts";
import { createMemoryObjectStore } from "../../../../src/storage/memory-object-store.ts";
import { plainBytes, streamInParts } from "../../../support/encrypted-objects.ts";

interface Fixture {
  readonly key: string;
  readonly objectKey: string;
  readonly cases: readonly {
    readonly sizeBytes: number;
    readonly header: string;
    readonly storedBytes: number;
    readonly storedSha256: string;
    readonly stored?: string;
  }[];
}

/** By Python's cryptography: recipes/encryption_fixtures.py. */
const { key, objectKey, cases }: Fixture = JSON.parse(
  readFileSync("test/fixtures/integrity/encryption.json", "utf8"),
);
const KEYS = new KeyRing(fromBase64(key));

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, "base64"));
}

async function digest(bytes: Uint8Array): Promise<string> {
  return toHex(await sha256(bytes));
}

describe("an encrypted object", () => {
  test.each(cases)(
    "of $sizeBytes bytes is what Python's cryptography makes of it",
    async (each) => {
      const header = parseHeader(objectKey, fromBase64(each.header));
      const plain = plainBytes(each.sizeBytes);
      const cipher = await KEYS.cipherOf(header, objectKey);
      expect(await digest(await encryptBytes(cipher, plain))).toBe(each.storedSha256);
      for (const partBytes of [1000, CHUNK_BYTES, 300_000]) {
        const stream = encryptStream(cipher, streamInParts(plain, partBytes), plain.byteLength);
        expect(await digest(await new Response(stream).bytes())).toBe(each.storedSha256);
      }
    },
  );

  test.each(cases)("of $sizeBytes bytes has a size that says how many they are", (each) => {
    expect(storedSize(each.sizeBytes)).toBe(each.storedBytes);
    expect(plainSize(each.storedBytes)).toBe(each.sizeBytes);
  });

  test.each(cases.filter(({ stored }) => stored))(
    "of $sizeBytes bytes that Python's cryptography made is read",
    async (each) => {
      const bytes = fromBase64(each.stored ?? "");
      const objects = createEncryptedObjectStore(
        createMemoryObjectStore(new Map([[objectKey, bytes]])),
        KEYS,
      );
      const object = await objects.get(objectKey);
      expect(await new Response(object?.body).bytes()).toEqual(plainBytes(each.sizeBytes));
    },
  );

  test("has no size that the form excludes", () => {
    const chunk = storedSize(CHUNK_BYTES);
    // Less than a header and a tag, and a second chunk without bytes.
    for (const size of [0, 48, 63, chunk + 1, chunk + 16]) expect(plainSize(size)).toBeUndefined();
    expect(plainSize(chunk + 17)).toBe(CHUNK_BYTES + 1);
  });
});

describe("a key ring", () => {
  test("gives every object a salt of its own", async () => {
    const stored = new Map<string, Uint8Array<ArrayBuffer>>();
    const objects = createEncryptedObjectStore(createMemoryObjectStore(stored), KEYS);
    const salts = new Set<string>();
    for (let at = 0; at < 20; at++) {
      await objects.put("a", Uint8Array.of(1));
      salts.add(toHex(parseHeader("a", stored.get("a") ?? new Uint8Array()).salt));
    }
    expect(salts.size).toBe(20);
  });
});
