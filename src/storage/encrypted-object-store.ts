import type { ObjectStore, ReadObject, StoredObject } from "../domain/object-store.ts";
import { decryptStream } from "./encryption/decrypt-stream.ts";
import { encryptBytes, encryptStream } from "./encryption/encrypt-stream.ts";
import { ExactReader } from "./encryption/exact-reader.ts";
import {
  CHUNK_BYTES,
  chunkCount,
  corruptObject,
  HEADER_BYTES,
  parseHeader,
  plainSize,
  STORED_CHUNK_BYTES,
  storedSize,
} from "./encryption/format.ts";
import type { KeyRing } from "./encryption/key-ring.ts";
import type { ObjectCipher } from "./encryption/object-cipher.ts";

/** How often an object may be replaced between the two reads of a later part of it. */
const MAX_READS = 3;

/**
 * Encrypts every object of another store. Keys, sizes and times stay as they are, and so do entity tags and what is conditional on them.
 * An object that is not what was written under its key fails with `model_corrupt`, at the latest where it was changed.
 */
export function createEncryptedObjectStore(objects: ObjectStore, keys: KeyRing): ObjectStore {
  /** Reads the header; the reader goes on with the first chunk. */
  async function open(
    stored: ReadObject,
  ): Promise<{ reader: ExactReader; cipher: ObjectCipher; sizeBytes: number }> {
    const { key } = stored;
    const reader = new ExactReader(stored.body);
    try {
      const start = await reader.read(HEADER_BYTES);
      const cipher = await keys.cipherOf(parseHeader(key, start), key);
      const sizeBytes = plainSize(stored.sizeBytes);
      if (sizeBytes === undefined)
        throw corruptObject(key, `no encrypted object is ${stored.sizeBytes} bytes long`);
      return { reader, cipher, sizeBytes };
    } catch (error) {
      await reader.cancel(error).catch(() => undefined);
      throw error;
    }
  }

  async function read(key: string): Promise<ReadObject | undefined> {
    const stored = await objects.get(key);
    if (!stored) return undefined;
    const opened = await open(stored);
    const plain = decryptStream({ key, ...opened, firstChunk: 0, skipBytes: 0 });
    return { ...stored, sizeBytes: opened.sizeBytes, ...plain };
  }

  /** The header, and the chunks from the one that has the offset. `undefined` when the object was replaced in between. */
  async function readLater(
    key: string,
    offset: number,
  ): Promise<{ found: ReadObject | undefined } | undefined> {
    const whole = await objects.get(key);
    if (!whole) return { found: undefined };
    const { reader, cipher, sizeBytes } = await open(whole);
    await reader.cancel();
    const firstChunk = Math.min(Math.floor(offset / CHUNK_BYTES), chunkCount(sizeBytes) - 1);
    const stored = await objects.get(key, HEADER_BYTES + firstChunk * STORED_CHUNK_BYTES);
    if (!stored) return { found: undefined };
    if (stored.etag !== whole.etag) {
      await stored.body.cancel();
      return undefined;
    }
    const plain = decryptStream({
      key,
      cipher,
      sizeBytes,
      reader: new ExactReader(stored.body),
      firstChunk,
      skipBytes: offset - firstChunk * CHUNK_BYTES,
    });
    return { found: { ...stored, sizeBytes, ...plain } };
  }

  return {
    async head(key) {
      const stored = await objects.head(key);
      return stored && toPlain(stored);
    },

    async get(key, offset = 0) {
      if (offset === 0) return read(key);
      for (let reads = 0; reads < MAX_READS; reads++) {
        const outcome = await readLater(key, offset);
        if (outcome) return outcome.found;
      }
      throw new Error(`${key} was replaced while it was read`);
    },

    async put(key, bytes, options) {
      const cipher = await keys.createCipher(key);
      const stored = await objects.put(key, await encryptBytes(cipher, bytes), options);
      return stored && { ...stored, sizeBytes: bytes.byteLength };
    },

    async putStream(key, body, sizeBytes) {
      const cipher = await keys.createCipher(key);
      const encrypted = encryptStream(cipher, body, sizeBytes);
      const stored = await objects.putStream(key, encrypted, storedSize(sizeBytes));
      return { ...stored, sizeBytes };
    },

    delete: (deleted) => objects.delete(deleted),

    async *list(prefix, options) {
      for await (const stored of objects.list(prefix, options)) yield toPlain(stored);
    },
  };
}

/** An object whose size no encrypted one has keeps it, and is refused when it is read. */
function toPlain(stored: StoredObject): StoredObject {
  return { ...stored, sizeBytes: plainSize(stored.sizeBytes) ?? stored.sizeBytes };
}
