import { Z_NO_FLUSH, ZStream, zlibInflate, zlibInflateInit2 } from "pako";
import type { Call } from "../../domain/call.ts";
import { concatenateBytes } from "../../shared/bytes.ts";

/** 15 bits of window, in the zlib format. */
const WINDOW_BITS = 15;
const CHUNK_BYTES = 65_536;
/** Chunks between two checkpoints: some milliseconds. */
const CHUNKS_PER_STEP = 16;

/**
 * Inflates a zlib stream in chunks, up to its end or the first damage; what follows its end is not read. `DecompressionStream`
 * buffers all that a piece of input becomes, and gives nothing of one that bytes follow.
 * @param parts of the stream, which are not copied
 * @param use gets each chunk, which is valid until it returns; `false` ends the work
 * @throws what `checkpoint` throws
 */
export async function inflate(
  parts: readonly Uint8Array[],
  use: (chunk: Uint8Array) => boolean,
  checkpoint: Call["checkpoint"],
): Promise<void> {
  const inflater = new ZStream();
  zlibInflateInit2(inflater, WINDOW_BITS);
  const chunk = new Uint8Array(CHUNK_BYTES);
  let chunks = 0;
  for (const part of parts) {
    inflater.input = part;
    inflater.next_in = 0;
    inflater.avail_in = part.byteLength;
    for (;;) {
      inflater.output = chunk;
      inflater.next_out = 0;
      inflater.avail_out = CHUNK_BYTES;
      // 0: more may come. Others: the end, damage, or no input.
      const status = zlibInflate(inflater, Z_NO_FLUSH);
      const length = inflater.next_out;
      if (length > 0 && !use(chunk.subarray(0, length))) return;
      if (++chunks % CHUNKS_PER_STEP === 0) await checkpoint();
      if (inflater.avail_in === 0 && length < CHUNK_BYTES && status <= 0) break;
      if (status !== 0) return;
    }
  }
}

/** {@link inflate} into memory; `undefined` when there are more bytes than the limit. */
export async function inflateWithin(
  body: Uint8Array,
  limitBytes: number,
  checkpoint: Call["checkpoint"],
): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const keep = (chunk: Uint8Array): boolean => {
    length += chunk.length;
    if (length <= limitBytes) parts.push(chunk.slice());
    return length <= limitBytes;
  };
  await inflate([body], keep, checkpoint);
  return length <= limitBytes ? concatenateBytes(parts, length) : undefined;
}
