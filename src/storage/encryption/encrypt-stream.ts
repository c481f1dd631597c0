import { concatenateBytes } from "../../shared/bytes.ts";
import { ExactReader } from "./exact-reader.ts";
import { CHUNK_BYTES, chunkCount } from "./format.ts";
import type { ObjectCipher } from "./object-cipher.ts";

/**
 * Encrypts a body while it is sent. One chunk at a time is in memory.
 * @param sizeBytes of the body; one of another length fails the stream
 */
export function encryptStream(
  cipher: ObjectCipher,
  body: ReadableStream<Uint8Array>,
  sizeBytes: number,
): ReadableStream<Uint8Array> {
  const reader = new ExactReader(body);
  const chunks = chunkCount(sizeBytes);
  let index = 0;
  return new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(cipher.header),
    async pull(controller) {
      try {
        const isLast = index === chunks - 1;
        const wanted = isLast ? sizeBytes - index * CHUNK_BYTES : CHUNK_BYTES;
        const plain = await reader.read(wanted);
        const isLonger = isLast && (await reader.read(1)).byteLength > 0;
        if (plain.byteLength < wanted || isLonger)
          throw new Error(`the body is not ${sizeBytes} bytes long`);
        controller.enqueue(await cipher.encrypt(plain, index, isLast));
        index += 1;
        if (isLast) controller.close();
      } catch (error) {
        await reader.cancel(error).catch(() => undefined);
        throw error;
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/** Encrypts a small object as a whole. */
export async function encryptBytes(
  cipher: ObjectCipher,
  bytes: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks = chunkCount(bytes.byteLength);
  const parts: Uint8Array[] = [cipher.header];
  for (let index = 0; index < chunks; index++) {
    const plain = bytes.slice(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);
    parts.push(await cipher.encrypt(plain, index, index === chunks - 1));
  }
  return concatenateBytes(parts);
}
