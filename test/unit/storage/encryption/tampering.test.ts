import { beforeEach, describe, expect, test } from "vitest";
import type { ApiError } from "../../../../src/domain/errors.ts";
import type { ObjectStore } from "../../../../src/domain/object-store.ts";
import { concatenateBytes } from "../../../../src/shared/bytes.ts";
import { createEncryptedObjectStore } from "../../../../src/storage/encrypted-object-store.ts";
import {
  CHUNK_BYTES,
  HEADER_BYTES,
  STORED_CHUNK_BYTES,
} from "../../../../src/storage/encryption/format.ts";
import { KeyRing } from "../../../../src/storage/encryption/key-ring.ts";
import { createMemoryObjectStore } from "../../../../src/storage/memory-object-store.ts";
import { plainBytes } from "../../../support/encrypted-objects.ts";
import { rejectedApiError } from "../../../support/errors.ts";

const KEY = "models/a/1/model.bin";
const OTHER = "models/a/2/model.bin";
const SIZE = 3 * CHUNK_BYTES + 100;
const PLAIN = plainBytes(SIZE);
const KEYS = new KeyRing(new Uint8Array(32).fill(1));

let stored: Map<string, Uint8Array<ArrayBuffer>>;
let objects: ObjectStore;

beforeEach(async () => {
  stored = new Map();
  objects = createEncryptedObjectStore(createMemoryObjectStore(stored), KEYS);
  await objects.put(KEY, PLAIN);
});

function storedBytes(key = KEY): Uint8Array<ArrayBuffer> {
  return stored.get(key) ?? new Uint8Array();
}

/** The header, and the chunks with their tags. */
function parts(key = KEY): Uint8Array[] {
  const bytes = storedBytes(key);
  const header = bytes.slice(0, HEADER_BYTES);
  const chunks = [];
  for (let at = HEADER_BYTES; at < bytes.byteLength; at += STORED_CHUNK_BYTES)
    chunks.push(bytes.slice(at, at + STORED_CHUNK_BYTES));
  return [header, ...chunks];
}

function replace(...changed: readonly (Uint8Array | undefined)[]): void {
  stored.set(KEY, concatenateBytes(changed.filter((part) => part !== undefined)));
}

function flip(at: number): void {
  const bytes = storedBytes().slice();
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  stored.set(KEY, bytes);
}

/** Reads the whole, and checks that what was delivered before the failure is what was written. */
async function read(offset = 0): Promise<Uint8Array> {
  const object = await objects.get(KEY, offset);
  if (!object) throw new Error("there is no object");
  let length = offset;
  for await (const chunk of object.body) {
    expect(PLAIN.subarray(length, length + chunk.byteLength)).toEqual(chunk);
    length += chunk.byteLength;
  }
  return PLAIN.subarray(offset, length);
}

function refused(offset = 0): Promise<ApiError> {
  return rejectedApiError("model_corrupt", read(offset));
}

test("an object that was not changed is read from every offset", async () => {
  for (const offset of [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, SIZE - 1])
    expect(await read(offset)).toEqual(PLAIN.subarray(offset));
});

describe("an object is refused when", () => {
  test.each([
    ["its first byte of content", HEADER_BYTES, "chunk 1 of 4"],
    ["a byte of a later chunk", HEADER_BYTES + 2 * STORED_CHUNK_BYTES + 5, "chunk 3 of 4"],
    ["a tag", HEADER_BYTES + STORED_CHUNK_BYTES - 1, "chunk 1 of 4"],
    ["its salt", HEADER_BYTES - 1, "chunk 1 of 4"],
  ])("%s was changed", async (_, at, chunk) => {
    flip(at);
    expect((await refused()).message).toBe(
      `The object ${KEY} cannot be decrypted: ${chunk} is not the one that was written there. Restore it, or publish the version again.`,
    );
  });

  test.each([
    ["two chunks were exchanged", [0, 2, 1, 3, 4], "chunk 1 of 4 is not"],
    ["a chunk was repeated", [0, 1, 1, 2, 3, 4], "chunk 2 of 5 is not"],
    ["a chunk was left out", [0, 1, 3, 4], "chunk 2 of 3 is not"],
    ["its last chunk was left out", [0, 1, 2, 3], "chunk 3 of 3 is not"],
    ["all chunks were left out", [0], "no encrypted object is 48 bytes long"],
    ["its last chunk was repeated", [0, 1, 2, 3, 4, 4], "chunk 4 of 4 is not"],
  ])("%s", async (_, order, why) => {
    const all = parts();
    replace(...order.map((index) => all[index]));
    expect((await refused()).message).toContain(why);
  });

  test.each([
    ["one byte", 1, "chunk 4 of 4 is not"],
    ["a tag", 16, "chunk 4 of 4 is not"],
    ["everything after a chunk and a half", STORED_CHUNK_BYTES * 2, "chunk 2 of 2 is not"],
  ])("%s was cut off its end", async (_, bytes, why) => {
    stored.set(KEY, storedBytes().slice(0, -bytes));
    expect((await refused()).message).toContain(why);
  });

  test("it has more bytes", async () => {
    replace(...parts(), Uint8Array.of(0));
    expect((await refused()).message).toContain("chunk 4 of 4 is not");
  });

  test("it is another object of the bucket", async () => {
    await objects.put(OTHER, PLAIN);
    stored.set(KEY, storedBytes(OTHER));
    expect((await refused()).message).toContain("chunk 1 of 4 is not");
  });

  test("a chunk is that of another object, in the same place", async () => {
    await objects.put(OTHER, PLAIN);
    const [header, first, , third, last] = parts();
    replace(header, first, parts(OTHER)[2], third, last);
    expect((await refused()).message).toContain("chunk 2 of 4 is not");
  });

  test("its header is that of an earlier write", async () => {
    const [header] = parts();
    await objects.put(KEY, PLAIN);
    replace(header, ...parts().slice(1));
    expect((await refused()).message).toContain("chunk 1 of 4 is not");
  });

  test("it was replaced by its plain bytes", async () => {
    stored.set(KEY, PLAIN);
    expect((await refused()).message).toMatch(/is not encrypted, and with ENCRYPTION_KEY only/);
  });

  test("it was replaced by nothing", async () => {
    stored.set(KEY, new Uint8Array());
    expect((await refused()).message).toContain("is not encrypted");
  });

  test("its form is that of a later release", async () => {
    const bytes = storedBytes().slice();
    bytes[7] = 2;
    stored.set(KEY, bytes);
    expect((await refused()).message).toContain("its form is version 2, and this release reads 1");
  });

  test("a part of it that is read from an offset was changed", async () => {
    flip(HEADER_BYTES + STORED_CHUNK_BYTES);
    expect((await refused(CHUNK_BYTES + 10)).message).toContain("chunk 2 of 4 is not");
    // What was not changed is still read.
    expect(await read(2 * CHUNK_BYTES)).toHaveLength(SIZE - 2 * CHUNK_BYTES);
  });

  test("it ends while it is read", async () => {
    const memory = createMemoryObjectStore(stored);
    objects = createEncryptedObjectStore(
      {
        ...memory,
        async get(key) {
          const object = await memory.get(key);
          const bytes = storedBytes().slice(0, HEADER_BYTES + STORED_CHUNK_BYTES + 10);
          return object && { ...object, body: new Blob([bytes]).stream() };
        },
      },
      KEYS,
    );
    expect((await refused()).message).toContain("it ends in chunk 2 of 4");
  });
});

describe("keys", () => {
  const written = new KeyRing(new Uint8Array(32).fill(2));

  test("that an object was not written with are refused, with the ids of both", async () => {
    objects = createEncryptedObjectStore(createMemoryObjectStore(stored), written);
    const { message } = await refused();
    expect(message).toBe(
      `The object ${KEY} is encrypted with the key ${await KEYS.currentId()}, and the Worker has ${await written.currentId()}: set ENCRYPTION_KEY to that key, or add it to ENCRYPTION_KEYS_OLD.`,
    );
  });

  test("of before are used for reading, and the current one for writing", async () => {
    const rotated = new KeyRing(new Uint8Array(32).fill(2), [new Uint8Array(32).fill(1)]);
    objects = createEncryptedObjectStore(createMemoryObjectStore(stored), rotated);
    expect(await read()).toEqual(PLAIN);
    await objects.put(KEY, PLAIN);
    objects = createEncryptedObjectStore(createMemoryObjectStore(stored), written);
    expect(await read()).toEqual(PLAIN);
  });
});

test("a body that is shorter or longer than its size writes nothing", async () => {
  for (const sizeBytes of [SIZE - 1, SIZE + 1, 2 * CHUNK_BYTES]) {
    await expect(objects.putStream(OTHER, new Blob([PLAIN]).stream(), sizeBytes)).rejects.toThrow(
      `the body is not ${sizeBytes} bytes long`,
    );
    expect(stored.has(OTHER)).toBe(false);
  }
});
