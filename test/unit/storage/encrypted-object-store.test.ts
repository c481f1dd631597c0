import { describe } from "vitest";
import { createEncryptedObjectStore } from "../../../src/storage/encrypted-object-store.ts";
import { KeyRing } from "../../../src/storage/encryption/key-ring.ts";
import { createMemoryObjectStore } from "../../../src/storage/memory-object-store.ts";
import { testObjectStore } from "../../contracts/object-store.ts";

const KEY = new Uint8Array(32).fill(1);

describe("encrypted objects", () => {
  testObjectStore(async () => ({
    objects: createEncryptedObjectStore(createMemoryObjectStore(), new KeyRing(KEY)),
    dispose: async () => undefined,
  }));
});
