import type {
  BucketEncryption,
  EncryptionOptions,
  EncryptionProgress,
} from "../../domain/bucket-encryption.ts";
import type { ObjectStore, ReadObject } from "../../domain/object-store.ts";
import { toHex } from "../../shared/hex.ts";
import { guarded } from "../guarded.ts";
import { MODELS_PREFIX } from "../model-keys.ts";
import { ExactReader } from "./exact-reader.ts";
import { HEADER_BYTES, isEncrypted, parseHeader } from "./format.ts";
import type { KeyRing } from "./key-ring.ts";

/** Of one call, which has so many calls of storage, and of bytes that are encrypted, about a second of CPU time. */
const MAX_OBJECTS = 300;
const MAX_BYTES = 268_435_456;
const MAX_KEYS = 20;
/** Up to this size an object may be changed by compare-and-swap, and is written so. Larger ones never change. */
const MAX_CHANGING_BYTES = 8_388_608;

type Form = "current" | "old" | "plain";

/**
 * @param objects as they are stored
 * @param encrypted the same objects, by the keys of the ring
 */
export function createBucketEncryption(
  objects: ObjectStore,
  encrypted: ObjectStore,
  keys: KeyRing,
): BucketEncryption {
  async function formOf(key: string): Promise<Form | undefined> {
    const stored = await objects.get(key);
    if (!stored) return undefined;
    const reader = new ExactReader(stored.body);
    const start = await reader.read(Math.min(HEADER_BYTES, stored.sizeBytes));
    await reader.cancel();
    if (!isEncrypted(start)) return "plain";
    const { keyId } = parseHeader(key, start);
    return toHex(keyId) === (await keys.currentId()) ? "current" : "old";
  }

  /** Writes an object with the current key, unless it was changed or deleted in between: then it has that key already. */
  async function rewrite(key: string, form: Form): Promise<void> {
    const read: ReadObject | undefined = await (form === "plain" ? objects : encrypted).get(key);
    if (!read) return;
    const { body, sizeBytes, etag } = read;
    if (sizeBytes > MAX_CHANGING_BYTES) {
      await encrypted.putStream(key, body, sizeBytes);
      return;
    }
    const bytes = await new Response(body).bytes();
    const isDocument = key.endsWith(".json");
    await encrypted.put(key, bytes, {
      onlyIf: { etag },
      ...(isDocument && { contentType: "application/json" }),
    });
  }

  async function encrypt({ after, plain }: EncryptionOptions): Promise<EncryptionProgress> {
    const counts = { encrypted: 0, unchanged: 0, plain: 0 };
    const plainKeys: string[] = [];
    let looked = 0;
    let bytes = 0;
    let last: string | undefined;
    for await (const { key, sizeBytes } of objects.list(
      MODELS_PREFIX,
      after === undefined ? {} : { after },
    )) {
      if (looked === MAX_OBJECTS || bytes >= MAX_BYTES)
        return { ...counts, plainKeys, after: last };
      const form = await formOf(key);
      if (form === "current") {
        counts.unchanged += 1;
      } else if (form === "plain" && !plain) {
        counts.plain += 1;
        if (plainKeys.length < MAX_KEYS) plainKeys.push(key);
      } else if (form) {
        await rewrite(key, form);
        counts.encrypted += 1;
        bytes += sizeBytes;
      }
      looked += 1;
      last = key;
    }
    return { ...counts, plainKeys, after: undefined };
  }

  return {
    encrypt: (options) => guarded("objects could not be encrypted", () => encrypt(options)),
  };
}
