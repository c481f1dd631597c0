import type { ObjectStore, StoredObject, WriteCondition } from "../domain/object-store.ts";
import { pumpInto } from "../shared/pump-bytes.ts";

/** R2 deletes this many objects in one call. */
const MAX_DELETED = 1000;

/** The objects of an R2 bucket. R2 is strongly consistent, so a listing is current. */
export function createR2ObjectStore(bucket: R2Bucket): ObjectStore {
  return {
    async head(key) {
      const object = await bucket.head(key);
      return object ? describe(object) : undefined;
    },

    async get(key, offset = 0) {
      const object = await (offset > 0 ? bucket.get(key, { range: { offset } }) : bucket.get(key));
      return object ? { ...describe(object), body: object.body } : undefined;
    },

    async put(key, bytes, { onlyIf, contentType } = {}) {
      const object: R2Object | null = await bucket.put(key, bytes, {
        ...(contentType && { httpMetadata: { contentType } }),
        ...(onlyIf && { onlyIf: toConditional(onlyIf) }),
      });
      return object ? describe(object) : undefined;
    },

    async putStream(key, body, sizeBytes) {
      // R2 accepts only streams of known length.
      const { readable, writable } = new FixedLengthStream(sizeBytes);
      const [, object] = await Promise.all([pumpInto(body, writable), bucket.put(key, readable)]);
      if (!object) throw new Error(`${key} was not written`);
      return describe(object);
    },

    async delete(keys) {
      for (let start = 0; start < keys.length; start += MAX_DELETED)
        await bucket.delete(keys.slice(start, start + MAX_DELETED));
    },

    async *list(prefix, { after } = {}) {
      // R2 lists up to 1,000 keys in one call.
      let position: R2ListOptions = after === undefined ? {} : { startAfter: after };
      for (;;) {
        const page = await bucket.list({ prefix, ...position });
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
