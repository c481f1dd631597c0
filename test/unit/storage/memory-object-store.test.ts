import { describe } from "vitest";
import { createMemoryObjectStore } from "../../../src/storage/memory-object-store.ts";
import { testObjectStore } from "../../contracts/object-store.ts";

describe("objects in memory", () => {
  testObjectStore(async () => ({
    objects: createMemoryObjectStore(),
    dispose: async () => undefined,
  }));
});
