import { formatModelId } from "../domain/model-id.ts";
import type { ProfileStore } from "../domain/monitoring/profile-store.ts";
import { MAX_PROFILE_BYTES } from "../domain/monitoring/reference-profile.ts";
import type { ObjectStore } from "../domain/object-store.ts";
import { guarded } from "./guarded.ts";
import { profileKey } from "./model-keys.ts";

const ENCODER = new TextEncoder();
/** What encryption adds to an object, and more. */
const OVERHEAD_BYTES = 64 * 1024;

/** Reference profiles in object storage, by the keys that `docs/storage.md` documents. */
export function createProfileStore(objects: ObjectStore): ProfileStore {
  return {
    read: (id) =>
      guarded(`the profile of ${formatModelId(id)} could not be read`, async () => {
        const object = await objects.get(profileKey(id));
        if (!object) return undefined;
        const { etag, sizeBytes, body } = object;
        if (sizeBytes > MAX_PROFILE_BYTES + OVERHEAD_BYTES) {
          await body.cancel();
          return { value: "larger than a profile may be", etag };
        }
        return { value: parseJson(await new Response(body).text()), etag };
      }),

    write: (id, value) =>
      guarded(`the profile of ${formatModelId(id)} could not be written`, async () => {
        const bytes = ENCODER.encode(JSON.stringify(value));
        const written = await objects.put(profileKey(id), bytes, {
          contentType: "application/json",
        });
        if (!written) throw new Error("nothing was written");
        return written.etag;
      }),

    delete: (id) =>
      guarded(`the profile of ${formatModelId(id)} could not be deleted`, () =>
        objects.delete([profileKey(id)]),
      ),
  };
}

/** What is no JSON stays a text, which is no profile. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
