import type { ObjectStore } from "../../src/domain/object-store.ts";
import { createMemoryObjectStore } from "../../src/storage/memory-object-store.ts";
import { manifestKey } from "../../src/storage/model-keys.ts";
import { createModelStore } from "../../src/storage/model-store.ts";
import { createRoutingStore } from "../../src/storage/routing-store.ts";

/** Stores of models without files over objects in memory. */
export function createMemoryModels() {
  const bytes = new Map<string, Uint8Array<ArrayBuffer>>();
  const objects = createMemoryObjectStore(bytes);
  return {
    bytes,
    objects,
    ...storesOver(objects),
    publish(name: string, ...versions: readonly string[]): void {
      for (const version of versions)
        bytes.set(
          manifestKey({ name, version }),
          new Uint8Array(Buffer.from(JSON.stringify(manifestOf(name, version)))),
        );
    },
  };
}

export function storesOver(objects: ObjectStore) {
  const store = createModelStore(objects);
  return { store, routings: { ...createRoutingStore(objects), versions: store.versions } };
}

/** A manifest that is valid, of a file that is not there. */
export function manifestOf(name: string, version: string): Record<string, unknown> {
  return {
    schemaVersion: 1,
    name,
    version,
    format: "onnx",
    file: "model.onnx",
    files: [{ path: "model.onnx", sha256: "a".repeat(64), sizeBytes: 1 }],
    inputs: [],
    outputs: [{ name: "y", datatype: "FP32", shape: [1] }],
    createdAt: "2026-11-22T00:00:00Z",
  };
}
