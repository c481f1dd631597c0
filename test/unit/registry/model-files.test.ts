import { expect, test } from "vitest";
import { parseManifest } from "../../../src/domain/manifest.ts";
import type { ModelStore, StoredFile } from "../../../src/domain/ports.ts";
import type { PublishedModel } from "../../../src/domain/published-model.ts";
import { readModelFile } from "../../../src/registry/model-files.ts";
import { createMemoryModelStore } from "../../../src/storage/memory-model-store.ts";
import { rejectedApiError } from "../../support/errors.ts";

const published: PublishedModel = {
  name: "m",
  version: "1",
  revision: "a",
  versions: ["1"],
  manifest: parseManifest({
    schemaVersion: 1,
    name: "m",
    version: "1",
    format: "onnx",
    file: "words.json",
    files: [{ path: "words.json", sha256: "a".repeat(64), sizeBytes: 4 }],
    inputs: [],
    outputs: [{ name: "y", datatype: "FP32", shape: [1] }],
    createdAt: "2026-11-22T00:00:00Z",
  }),
};

const read = (store: ModelStore): Promise<Uint8Array> =>
  readModelFile(store, published, "words.json");

function storeWith(file: StoredFile | undefined): ModelStore {
  return { ...createMemoryModelStore(new Map()), file: async () => file };
}

test("reading a file that does not exist fails with model_missing", async () => {
  const error = await rejectedApiError("model_missing", read(storeWith(undefined)));
  expect(error.message).toBe('words.json of model "m" version 1 is missing from object storage.');
});

test("a file of another length fails with model_corrupt, and is not read", async () => {
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    cancel: () => {
      cancelled = true;
    },
  });
  const error = await rejectedApiError("model_corrupt", read(storeWith({ sizeBytes: 5, body })));
  expect(error.message).toContain("it is 5 bytes long instead of 4");
  expect(cancelled).toBe(true);
});

test("a file whose stream fails while it is read fails with storage_failed", async () => {
  const cause = new Error("connection lost");
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new Uint8Array(2)),
    pull: (controller) => controller.error(cause),
  });
  const error = await rejectedApiError("storage_failed", read(storeWith({ sizeBytes: 4, body })));
  expect(error.message).toContain('Reading words.json of model "m" version 1');
  expect(error.cause).toBe(cause);
});
