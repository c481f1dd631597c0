import type { ProfileStore } from "../domain/monitoring/profile-store.ts";
import { MAX_PROFILE_BYTES } from "../domain/monitoring/reference-profile.ts";
import type { ObjectStore } from "../domain/object-store.ts";
import { profileKey } from "./model-keys.ts";
import { createVersionDocumentStore } from "./version-document-store.ts";

/** Reference profiles in object storage. */
export function createProfileStore(objects: ObjectStore): ProfileStore {
  return createVersionDocumentStore(objects, {
    name: "profile",
    keyOf: profileKey,
    maxBytes: MAX_PROFILE_BYTES,
  });
}
