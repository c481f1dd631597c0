import {
  Z_NO_FLUSH,
  Z_STREAM_END,
  ZStream,
  zlibInflate,
  zlibInflateInit2,
  zlibInflateReset,
} from "pako";
import { yieldToEventLoop } from "../domain/call.ts";

/** 15 bits of window, and 16 for the gzip format. */
const GZIP_WINDOW_BITS = 31;
const CHUNK_BYTES = 65_536;
/** Chunks and members between two pauses: some milliseconds. */
const STEPS_PER_PAUSE = 16;

/**
 * Decompresses a series of gzip members (RFC 1952, section 2.2), whose contents follow one another. `DecompressionStream`
 * accepts a single member (https://compression.spec.whatwg.org/#supported-formats).
 * @returns a stream that fails with an Error for data that is damaged, incomplete, or followed by anything else
 */
export function gunzipMembers(bytes: Uint8Array): ReadableStream<Uint8Array> {
  const inflater = new ZStream();
  inflater.input = bytes;
  inflater.avail_in = bytes.byteLength;
  inflater.next_in = 0;
  zlibInflateInit2(inflater, GZIP_WINDOW_BITS);
  let steps = 0;

  /** Decompresses until the chunk is full or the last member has ended. */
  async function fill(): Promise<{ chunk: Uint8Array; done: boolean }> {
    const chunk = new Uint8Array(CHUNK_BYTES);
    inflater.output = chunk;
    inflater.next_out = 0;
    inflater.avail_out = CHUNK_BYTES;
    for (;;) {
      steps += 1;
      if (steps % STEPS_PER_PAUSE === 0) await yieldToEventLoop();
      const status = zlibInflate(inflater, Z_NO_FLUSH);
      if (status === Z_STREAM_END) {
        if (inflater.avail_in === 0)
          return { chunk: chunk.subarray(0, inflater.next_out), done: true };
        // What follows must be a member: anything else fails as one with a wrong header.
        zlibInflateReset(inflater);
      } else if (inflater.avail_out === 0) {
        return { chunk, done: false };
      } else {
        // Room for more output, but no more input.
        throw new Error(inflater.msg || "the data is incomplete");
      }
    }
  }

  return new ReadableStream(
    {
      async pull(controller) {
        const { chunk, done } = await fill();
        if (chunk.byteLength > 0) controller.enqueue(chunk);
        if (done) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}
