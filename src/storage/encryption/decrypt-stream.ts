import type { ReadObject } from "../../domain/object-store.ts";
import type { ExactReader } from "./exact-reader.ts";
import { CHUNK_BYTES, chunkCount, corruptObject, TAG_BYTES } from "./format.ts";
import type { ObjectCipher } from "./object-cipher.ts";

export interface EncryptedBody {
  /** Key of the object. */
  readonly key: string;
  readonly cipher: ObjectCipher;
  /** Of the whole, not encrypted. */
  readonly sizeBytes: number;
  /** The stored bytes from a chunk on. */
  readonly reader: ExactReader;
  /** The number of that chunk. */
  readonly firstChunk: number;
  /** Plain bytes of that chunk which are left out. */
  readonly skipBytes: number;
}

/**
 * Decrypts an object while it is read. Bytes of a chunk are delivered when its tag has been checked, and one chunk at a time is in memory.
 * A chunk that is not the one that was written fails the stream with `model_corrupt`.
 */
export function decryptStream(body: EncryptedBody): Pick<ReadObject, "body" | "failure"> {
  const { reader, firstChunk, skipBytes } = body;
  const chunks = chunkCount(body.sizeBytes);
  let index = firstChunk;
  let failure: unknown;
  const stream = new ReadableStream({
    // The engine's heap reads into buffers of its own, and the isolate of a model receives only byte streams.
    type: "bytes",
    async pull(controller) {
      try {
        const isLast = index === chunks - 1;
        const plain = await decryptChunk(body, index, isLast);
        const part = index === firstChunk ? plain.subarray(skipBytes) : plain;
        index += 1;
        if (part.byteLength > 0) controller.enqueue(part);
        if (!isLast) return;
        controller.close();
        // A read into a buffer is answered only then.
        controller.byobRequest?.respond(0);
      } catch (error) {
        failure = error;
        await reader.cancel(error).catch(() => undefined);
        throw error;
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return { body: stream, failure: () => failure };
}

async function decryptChunk(
  { key, cipher, sizeBytes, reader }: EncryptedBody,
  index: number,
  isLast: boolean,
): Promise<Uint8Array<ArrayBuffer>> {
  const name = `chunk ${index + 1} of ${chunkCount(sizeBytes)}`;
  const plainBytes = isLast ? sizeBytes - index * CHUNK_BYTES : CHUNK_BYTES;
  const stored = await reader.read(plainBytes + TAG_BYTES);
  if (stored.byteLength < plainBytes + TAG_BYTES) throw corruptObject(key, `it ends in ${name}`);
  let plain: Uint8Array<ArrayBuffer>;
  try {
    plain = await cipher.decrypt(stored, index, isLast);
  } catch (cause) {
    throw corruptObject(key, `${name} is not the one that was written there`, cause);
  }
  if (isLast && (await reader.read(1)).byteLength > 0)
    throw corruptObject(key, "it does not end with its last chunk");
  return plain;
}
