import { concatenateBytes } from "../../../shared/bytes.ts";

/**
 * What a reply may have as a stream, in either form: more would take most of the memory of the Worker's own isolate, and
 * with it the requests of all other models.
 */
export const MAX_REPLY_BYTES = 67_108_864;
const CHUNK_BYTES = 65_536;

export function toByteStream(parts: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  const chunks = chunksOf(parts);
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      const { done, value } = chunks.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

/**
 * Reads a stream to its end.
 * @throws RangeError when it has more bytes
 */
export async function readAtMost(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array> {
  if (maxBytes === Number.POSITIVE_INFINITY) return new Response(stream).bytes();
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return concatenateBytes(chunks);
    length += value.byteLength;
    if (length > maxBytes) {
      // Not awaited: whatever is at the other end.
      reader.cancel().catch(() => undefined);
      throw new RangeError(`the stream has more than ${maxBytes} bytes`);
    }
    chunks.push(value);
  }
}

function* chunksOf(parts: readonly Uint8Array[]): Generator<Uint8Array<ArrayBuffer>, undefined> {
  for (const bytes of parts)
    for (let start = 0; start < bytes.byteLength; start += CHUNK_BYTES)
      // A copy, because the stream takes the buffer.
      yield bytes.slice(start, start + CHUNK_BYTES) as Uint8Array<ArrayBuffer>;
}
