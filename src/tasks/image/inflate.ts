import type { Call } from "../../domain/call.ts";
import { concatenateBytes } from "../../shared/bytes.ts";

/** A byte of deflate becomes 1,032 bytes at most, and a stream buffers all that it makes of one piece. */
const PIECE_BYTES = 8192;
/** Between two checkpoints: a few milliseconds. */
const PIECES_PER_STEP = 16;

/**
 * Inflates a zlib stream in pieces, up to its end or the first damage.
 * @param parts of the stream, which are not copied
 * @param use gets what each piece becomes; `false` ends the work
 * @throws what `checkpoint` throws
 */
export async function inflate(
  parts: readonly Uint8Array[],
  use: (inflated: Uint8Array) => boolean,
  checkpoint: Call["checkpoint"],
): Promise<void> {
  const { readable, writable } = new DecompressionStream("deflate");
  const writer = writable.getWriter();
  const reader = (readable as ReadableStream<Uint8Array>).getReader();
  let ended: { readonly error: unknown } | undefined;
  const write = async (): Promise<void> => {
    let pieces = 0;
    for (const part of parts)
      for (let start = 0; start < part.length; start += PIECE_BYTES) {
        await writer.write(part.subarray(start, start + PIECE_BYTES) as Uint8Array<ArrayBuffer>);
        if (++pieces % PIECES_PER_STEP !== 0) continue;
        try {
          await checkpoint();
        } catch (error) {
          ended = { error };
          await writer.abort(error);
          return;
        }
      }
    await writer.close();
  };
  // It fails at damage, and when the reader has ended.
  const written = write().catch(() => undefined);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || !use(value)) break;
    }
  } catch {
    // Damage, or bytes after the end.
  }
  await reader.cancel().catch(() => undefined);
  await written;
  if (ended) throw ended.error;
}

/** {@link inflate} into memory; `undefined` when there are more bytes than the limit. */
export async function inflateWithin(
  body: Uint8Array,
  limitBytes: number,
  checkpoint: Call["checkpoint"],
): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const keep = (part: Uint8Array): boolean => {
    length += part.length;
    if (length <= limitBytes) parts.push(part);
    return length <= limitBytes;
  };
  await inflate([body], keep, checkpoint);
  return length <= limitBytes ? concatenateBytes(parts, length) : undefined;
}
