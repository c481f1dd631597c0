import { type BackgroundStore, MAX_BACKGROUND_BYTES } from "../domain/explanation/background.ts";
import type { ObjectStore } from "../domain/object-store.ts";
import { backgroundKey } from "./model-keys.ts";
import { createVersionDocumentStore } from "./version-document-store.ts";

/** Background rows in object storage. */
export function createBackgroundStore(objects: ObjectStore): BackgroundStore {
  return createVersionDocumentStore(objects, {
    name: "background",
    keyOf: backgroundKey,
    maxBytes: MAX_BACKGROUND_BYTES,
  });
}
