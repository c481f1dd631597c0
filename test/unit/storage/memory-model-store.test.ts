import { describe } from "vitest";
import { createMemoryModelStore } from "../../../src/storage/memory-model-store.ts";
import { testModelStore } from "../../contracts/model-store.ts";

describe("a store in memory", () => {
  testModelStore(async () => {
    const objects = new Map<string, Uint8Array<ArrayBuffer>>();
    return {
      store: createMemoryModelStore(objects),
      objects: {
        put: async (key, bytes) => void objects.set(key, new Uint8Array(bytes)),
        delete: async (key) => void objects.delete(key),
      },
      dispose: async () => undefined,
    };
  });
});
