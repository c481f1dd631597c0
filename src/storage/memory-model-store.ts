import type { ModelStore, ModelWriter } from "../domain/ports.ts";
import { createMemoryObjectStore } from "./memory-object-store.ts";
import { createModelStore } from "./model-store.ts";

/** Published models in memory, by the same keys as in R2; for tests and for embedding. */
export function createMemoryModelStore(
  objects?: Map<string, Uint8Array<ArrayBuffer>>,
): ModelStore & ModelWriter {
  return createModelStore(createMemoryObjectStore(objects));
}
