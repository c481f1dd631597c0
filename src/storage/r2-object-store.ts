import type { ObjectStore, StoredObject, WriteCondition } from "../domain/object-store.ts";
import { pumpInto } from "../shared/pump-bytes.ts";
import { within } from "../shared/within.ts";
import { readBody, watchBody } from "./watch-body.ts";

/** R2 deletes this many objects in one call. */
const MAX_DELETED = 1000;
/** So many times longer than a read, R2 may take to acknowledge what it has written. */
const WRITE_TIMEOUTS = 3;
const TIMEOUT_MS = 10_000;
/** Up to this size an object is read at once, and compared with R2's hash of it: manifests and routings. Larger ones have digests in manifests. */
const MAX_READ_BYTES = 1_048_576;

export interface R2ObjectStoreOptions {
  /** How long R2 may take to answer, and to go on in the middle of an object. */
  readonly timeoutMs?: number;
}

/**
 * The objects of an R2 bucket. R2 is strongly consistent, so a listing is current. Every call ends in time, with what R2 answers or with
 * `NoAnswer`; a write that ends so may still take effect.
 */
export function createR2ObjectStore(
  bucket: R2Bucket,
  { timeoutMs = TIMEOUT_MS }: R2ObjectStoreOptions = {},
): ObjectStore {
  const read = <T>(answer: Promise<T>): Promise<T> => within(answer, timeoutMs);
  const written = <T>(answer: Promise<T>): Promise<T> => within(answer, WRITE_TIMEOUTS * timeoutMs);

  return {
    async head(key) {
      const object = await read(bucket.head(key));
      return object ? describe(object) : undefined;
    },

    async get(key, offset = 0) {
      const getting = offset > 0 ? bucket.get(key, { range: { offset } }) : bucket.get(key);
      const object = await read(getting).catch((error: unknown) => {
        getting.then((late) => late?.body.cancel()).catch(() => undefined);
        throw error;
      });
      if (!object) return undefined;
      const { body, size, checksums } = object;
      if (offset > 0 || size > MAX_READ_BYTES)
        return { ...describe(object), ...watchBody(key, body, size - offset, read) };
      const expected = { sizeBytes: size, md5: checksums.md5 };
      return { ...describe(object), body: await readBody(key, body, expected, read) };
    },

    async put(key, bytes, { onlyIf, contentType } = {}) {
      const object: R2Object | null = await written(
        bucket.put(key, bytes, {
          ...(contentType && { httpMetadata: { contentType } }),
          ...(onlyIf && { onlyIf: toConditional(onlyIf) }),
        }),
      );
      return object ? describe(object) : undefined;
    },

    async putStream(key, body, sizeBytes) {
      // R2 accepts only streams of known length.
      const { readable, writable } = new FixedLengthStream(sizeBytes);
      // How long the body takes is not R2's doing.
      const sending = pumpInto(body, writable, { waitTaken: written });
      const writing = bucket.put(key, readable);
      const [object] = await Promise.all([writing, sending.then(() => written(writing))]);
      if (!object) throw new Error(`${key} was not written`);
      return describe(object);
    },

    async delete(keys) {
      for (let start = 0; start < keys.length; start += MAX_DELETED)
        await written(bucket.delete(keys.slice(start, start + MAX_DELETED)));
    },

    async *list(prefix, { after } = {}) {
      // R2 lists up to 1,000 keys in one call.
      let position: R2ListOptions = after === undefined ? {} : { startAfter: after };
      for (;;) {
        const page = await read(bucket.list({ prefix, ...position }));
        yield* page.objects.map(describe);
        if (!page.truncated) return;
        position = { cursor: page.cursor };
      }
    },
  };
}

function describe({ key, etag, size, uploaded }: R2Object): StoredObject {
  return { key, etag, sizeBytes: size, writtenAt: uploaded.getTime() };
}

function toConditional(condition: WriteCondition): R2Conditional {
  return "etag" in condition ? { etagMatches: condition.etag } : { etagDoesNotMatch: "*" };
}
