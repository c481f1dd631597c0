import type { ObjectStore, StoredObject } from "../domain/object-store.ts";

/** Of written bytes: stores over the same objects agree on them. */
const WRITES = new WeakMap<Uint8Array, { readonly etag: string; readonly writtenAt: number }>();
let writes = 0;

/**
 * Objects in memory, by the same keys as in R2; for tests and for embedding.
 * @param objects may be shared by several stores, and changed without them
 */
export function createMemoryObjectStore(
  objects: Map<string, Uint8Array<ArrayBuffer>> = new Map(),
): ObjectStore {
  const find = (key: string): StoredObject | undefined => {
    const bytes = objects.get(key);
    return bytes && describe(key, bytes);
  };
  const write = (key: string, bytes: Uint8Array<ArrayBuffer>): StoredObject => {
    objects.set(key, bytes);
    return describe(key, bytes);
  };

  return {
    head: async (key) => find(key),

    async get(key, offset = 0) {
      const bytes = objects.get(key);
      if (!bytes) return undefined;
      return { ...describe(key, bytes), body: new Blob([bytes.subarray(offset)]).stream() };
    },

    async put(key, bytes, { onlyIf } = {}) {
      const stored = find(key);
      if (onlyIf && ("etag" in onlyIf ? stored?.etag !== onlyIf.etag : stored)) return undefined;
      return write(key, new Uint8Array(bytes));
    },

    async putStream(key, body, sizeBytes) {
      const bytes = new Uint8Array(await new Response(body).arrayBuffer());
      if (bytes.byteLength !== sizeBytes)
        throw new Error(`${bytes.byteLength} bytes instead of ${sizeBytes}`);
      return write(key, bytes);
    },

    async delete(keys) {
      for (const key of keys) objects.delete(key);
    },

    async *list(prefix, { after = "" } = {}) {
      const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after);
      for (const key of keys.sort()) {
        const stored = find(key);
        if (stored) yield stored;
      }
    },
  };
}

function describe(key: string, bytes: Uint8Array): StoredObject {
  let written = WRITES.get(bytes);
  if (!written) {
    writes += 1;
    written = { etag: `${writes}`, writtenAt: Date.now() };
    WRITES.set(bytes, written);
  }
  return { key, sizeBytes: bytes.byteLength, ...written };
}
