import { beforeEach, describe, expect, test } from "vitest";
import type { BucketEncryption } from "../../../../src/domain/bucket-encryption.ts";
import type { ObjectStore } from "../../../../src/domain/object-store.ts";
import { createEncryptedObjectStore } from "../../../../src/storage/encrypted-object-store.ts";
import { createBucketEncryption } from "../../../../src/storage/encryption/encrypt-bucket.ts";
import { KeyRing } from "../../../../src/storage/encryption/key-ring.ts";
import { createMemoryObjectStore } from "../../../../src/storage/memory-object-store.ts";
import { plainBytes } from "../../../support/encrypted-objects.ts";
import { rejectedApiError } from "../../../support/errors.ts";

const OLD_KEY = new Uint8Array(32).fill(1);
const NEW_KEY = new Uint8Array(32).fill(2);
/** Of a document, a model that is written as a stream, and nothing. */
const SIZES = {
  "models/a/1/manifest.json": 1000,
  "models/a/1/model.bin": 9_000_000,
  "models/a/2/x": 0,
};

let stored: Map<string, Uint8Array<ArrayBuffer>>;
let raw: ObjectStore;
let rotated: ObjectStore;
let encryption: BucketEncryption;

function create(objects: ObjectStore): void {
  const keys = new KeyRing(NEW_KEY, [OLD_KEY]);
  rotated = createEncryptedObjectStore(objects, keys);
  encryption = createBucketEncryption(objects, rotated, keys);
}

beforeEach(() => {
  stored = new Map();
  raw = createMemoryObjectStore(stored);
  create(raw);
});

async function putAll(objects: ObjectStore): Promise<void> {
  for (const [key, size] of Object.entries(SIZES)) await objects.put(key, plainBytes(size));
}

async function expectNewKey(): Promise<void> {
  const objects = createEncryptedObjectStore(raw, new KeyRing(NEW_KEY));
  for (const [key, size] of Object.entries(SIZES)) {
    const object = await objects.get(key);
    const bytes = new Uint8Array(await new Response(object?.body).arrayBuffer());
    expect(Buffer.from(bytes).equals(plainBytes(size))).toBe(true);
  }
}

describe("objects", () => {
  test("with an old key get the current one, and those with it are left", async () => {
    await putAll(createEncryptedObjectStore(raw, new KeyRing(OLD_KEY)));
    await rotated.put("models/b/1/manifest.json", plainBytes(3));
    const before = stored.get("models/b/1/manifest.json");
    expect(await encryption.encrypt({ plain: false })).toEqual({
      encrypted: 3,
      unchanged: 1,
      plain: 0,
      plainKeys: [],
      after: undefined,
    });
    expect(stored.get("models/b/1/manifest.json")).toBe(before);
    await expectNewKey();
    expect(await encryption.encrypt({ plain: false })).toMatchObject({
      encrypted: 0,
      unchanged: 4,
    });
  });

  test("that are not encrypted are encrypted only on request", async () => {
    await putAll(raw);
    const keys = Object.keys(SIZES).sort();
    expect(await encryption.encrypt({ plain: false })).toMatchObject({
      encrypted: 0,
      plain: 3,
      plainKeys: keys,
    });
    for (const [key, size] of Object.entries(SIZES)) expect(stored.get(key)?.byteLength).toBe(size);
    expect(await encryption.encrypt({ plain: true })).toMatchObject({ encrypted: 3, plain: 0 });
    await expectNewKey();
  });

  test("beyond what a call goes through are left for the next one", async () => {
    for (let at = 0; at < 650; at++) await raw.put(`models/a/1/${at}`, plainBytes(at));
    const counts: number[] = [];
    let after: string | undefined;
    do {
      const progress = await encryption.encrypt({ plain: true, after });
      counts.push(progress.encrypted);
      ({ after } = progress);
    } while (after !== undefined);
    expect(counts).toEqual([300, 300, 50]);
    expect(await encryption.encrypt({ plain: true })).toMatchObject({ unchanged: 300 });
  });

  test("that change meanwhile keep the change", async () => {
    const key = "models/a/routing.json";
    await raw.put(key, plainBytes(10));
    let isChanged = false;
    create({
      ...raw,
      put: async (changed, bytes, options) => {
        if (!isChanged) {
          isChanged = true;
          await rotated.put(key, plainBytes(20));
        }
        return raw.put(changed, bytes, options);
      },
    });
    await encryption.encrypt({ plain: true });
    const object = await rotated.get(key);
    expect(await new Response(object?.body).bytes()).toEqual(plainBytes(20));
  });

  test("of a key that is not there are reported", async () => {
    await putAll(createEncryptedObjectStore(raw, new KeyRing(new Uint8Array(32).fill(3))));
    const { message } = await rejectedApiError(
      "model_corrupt",
      encryption.encrypt({ plain: true }),
    );
    expect(message).toContain("models/a/1/manifest.json is encrypted with the key");
  });
});
