import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { ApiError } from "../../../../src/domain/errors.ts";
import { concatenateBytes } from "../../../../src/shared/bytes.ts";
import { createEncryptedObjectStore } from "../../../../src/storage/encrypted-object-store.ts";
import { CHUNK_BYTES, HEADER_BYTES } from "../../../../src/storage/encryption/format.ts";
import { KeyRing } from "../../../../src/storage/encryption/key-ring.ts";
import { createMemoryObjectStore } from "../../../../src/storage/memory-object-store.ts";
import { plainBytes } from "../../../support/encrypted-objects.ts";

const KEY = "models/a/1/model.bin";
const SIZES = [0, 1, 500, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES + 77];
const KEYS = new KeyRing(new Uint8Array(32).fill(5));
const STORED = new Map<number, Uint8Array<ArrayBuffer>>();

beforeAll(async () => {
  for (const size of SIZES) {
    const objects = new Map<string, Uint8Array<ArrayBuffer>>();
    const store = createEncryptedObjectStore(createMemoryObjectStore(objects), KEYS);
    await store.put(KEY, plainBytes(size));
    STORED.set(size, objects.get(KEY) ?? new Uint8Array());
  }
});

/** A place in an object, near the header or anywhere, as a part of its length. */
const place = fc.oneof(
  fc.nat({ max: HEADER_BYTES + 20 }).map((at) => () => at),
  fc
    .double({ min: 0, max: 1, noNaN: true })
    .map((part) => (length: number) => Math.floor(part * length)),
  fc.nat({ max: 40 }).map((at) => (length: number) => Math.max(0, length - at)),
);

type Change = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(place, fc.integer({ min: 1, max: 255 })).map(
    ([at, mask]): Change =>
      (bytes) => {
        const changed = bytes.slice();
        const index = Math.min(at(bytes.byteLength), bytes.byteLength - 1);
        changed[index] = (changed[index] ?? 0) ^ mask;
        return changed;
      },
  ),
  place.map(
    (at): Change =>
      (bytes) =>
        bytes.slice(0, at(bytes.byteLength)),
  ),
  fc.tuple(place, fc.nat({ max: 300_000 })).map(
    ([at, count]): Change =>
      (bytes) => {
        const start = at(bytes.byteLength);
        return concatenateBytes([bytes.slice(0, start), bytes.slice(start + count)]);
      },
  ),
  fc.tuple(place, place, fc.nat({ max: 300_000 })).map(
    ([from, to, count]): Change =>
      (bytes) => {
        const moved = bytes.slice(from(bytes.byteLength), from(bytes.byteLength) + count);
        const target = to(bytes.byteLength);
        return concatenateBytes([bytes.slice(0, target), moved, bytes.slice(target)]);
      },
  ),
  fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 64 })).map(
    ([at, other]): Change =>
      (bytes) => {
        const start = at(bytes.byteLength);
        return concatenateBytes([
          bytes.slice(0, start),
          other,
          bytes.slice(start + other.byteLength),
        ]);
      },
  ),
);

/** What was delivered, and whether it was all. */
async function read(bytes: Uint8Array<ArrayBuffer>): Promise<{ plain: Buffer; error: unknown }> {
  const store = createEncryptedObjectStore(createMemoryObjectStore(new Map([[KEY, bytes]])), KEYS);
  const parts: Uint8Array[] = [];
  let error: unknown;
  try {
    const object = await store.get(KEY);
    for await (const part of object?.body ?? []) parts.push(part);
  } catch (thrown) {
    error = thrown;
  }
  return { plain: Buffer.concat(parts), error };
}

test("an object that was changed at random is refused, and nothing of it but what was written is delivered", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...SIZES),
      fc.array(change, { minLength: 1, maxLength: 3 }),
      async (size, changes) => {
        const stored = STORED.get(size) ?? new Uint8Array();
        const changed = changes.reduce((bytes, each) => each(bytes), stored);
        const { plain, error } = await read(changed);
        const written = plainBytes(size);
        expect(plain.equals(written.subarray(0, plain.byteLength))).toBe(true);
        if (Buffer.from(changed).equals(stored)) {
          expect(error).toBeUndefined();
          expect(plain.byteLength).toBe(size);
        } else {
          expect(error).toBeInstanceOf(ApiError);
          expect((error as ApiError).code).toBe("model_corrupt");
        }
      },
    ),
    { numRuns: 500 },
  );
});
