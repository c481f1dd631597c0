import { describe } from "vitest";
import { createMemoryObjectStore } from "../../../src/storage/memory-object-store.ts";
import { createUploadStore } from "../../../src/storage/upload-store.ts";
import { testUploadStore } from "../../contracts/upload-store.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

stubWorkersGlobals();

describe("uploads in memory", () => {
  testUploadStore(async () => ({
    uploads: createUploadStore(createMemoryObjectStore()),
    dispose: async () => undefined,
  }));
});
