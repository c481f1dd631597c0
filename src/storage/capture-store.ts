import type { CaptureStore, StoredCapture } from "../domain/capture.ts";
import type { ObjectStore } from "../domain/object-store.ts";
import { toHex } from "../shared/hex.ts";
import { latestFulfilled } from "../shared/latest.ts";
import { captureKey, fromCaptureKey } from "./capture-keys.ts";
import { createEncryptedObjectStore } from "./encrypted-object-store.ts";
import { KeyRing } from "./encryption/key-ring.ts";
import { guarded } from "./guarded.ts";
import { CAPTURES_PREFIX } from "./model-keys.ts";

const SEQUENCE_BYTES = 4;
/** As many as R2 lists and deletes in one call. */
const PAGE = 1000;

/**
 * Captures in object storage, by the keys that `docs/storage.md` documents.
 * @param objects as they are stored: captures are encrypted with a key of their own, whether or not all others are encrypted
 * @param deriveKey of 32 bytes; called once, when it is needed
 */
export function createCaptureStore(
  objects: ObjectStore,
  deriveKey: () => Promise<Uint8Array<ArrayBuffer>>,
): CaptureStore {
  const open = latestFulfilled(async () =>
    createEncryptedObjectStore(objects, new KeyRing(await deriveKey())),
  );

  return {
    put: (capture, json) =>
      guarded("the capture could not be written", async () => {
        const sequence = toHex(crypto.getRandomValues(new Uint8Array(SEQUENCE_BYTES)));
        const key = captureKey(capture, sequence);
        // Nothing may be stored that could not be found again.
        if (!fromCaptureKey(key)) throw new Error(`${key} is no key of a capture`);
        await (await open()).put(key, json, { contentType: "application/json" });
        return key;
      }),

    list: (cursor) =>
      guarded("the captures could not be listed", async () => {
        const captures: StoredCapture[] = [];
        const options = cursor === undefined ? {} : { after: cursor };
        let count = 0;
        for await (const { key, sizeBytes, writtenAt } of objects.list(CAPTURES_PREFIX, options)) {
          const address = fromCaptureKey(key);
          if (address) captures.push({ ...address, sizeBytes, writtenAt });
          count += 1;
          if (count === PAGE) return { captures, cursor: key };
        }
        return { captures, cursor: undefined };
      }),

    read: (key) =>
      guarded(`the capture ${key} could not be read`, async () => {
        const object = await (await open()).get(key);
        return object && new Response(object.body).text();
      }),

    delete: (keys) =>
      guarded(`of ${keys.length} captures some could not be deleted`, () => objects.delete(keys)),
  };
}
