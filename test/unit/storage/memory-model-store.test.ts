import { describe } from "vitest";
import { createMemoryModelStore } from "../../../src/storage/memory-model-store.ts";
import { testModelStore } from "../../contracts/model-store.ts";
import { testModelWriter, type WritableStoreUnderTest } from "../../contracts/model-writer.ts";

async function create(): Promise<WritableStoreUnderTest> {
  const objects = new Map<string, Uint8Array<ArrayBuffer>>();
  return {
    store: createMemoryModelStore(objects),
    objects: {
      put: async (key, bytes) => void objects.set(key, new Uint8Array(bytes)),
      delete: async (key) => void objects.delete(key),
    },
    dispose: async () => undefined,
  };
}

describe("a store in memory", () => {
  testModelStore(create);
  testModelWriter(create);
});
