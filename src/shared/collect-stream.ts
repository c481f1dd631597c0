/** How {@link collectStream} reads. */
export interface CollectOptions {
  /** The most that is read. */
  readonly maxBytes: number;
  /** The length, where it is known: the buffer does not grow beyond it. */
  readonly expectedBytes?: number | undefined;
  /** Called before a buffer of this size is allocated. */
  reserve(bytes: number): void;
  /** Awaits a read, and rejects when that takes too long. */
  wait<T>(read: Promise<T>): Promise<T>;
  /** The error for a stream of more than `maxBytes`. */
  tooLarge(): Error;
}

/** Where the reads of a stream end: in the caller's buffer, which the first kind of reader transfers. */
export interface Source {
  /**
   * Reads into `target`, at most to its end.
   * @returns the target's buffer, and how much was read
   */
  read(target: Uint8Array<ArrayBuffer>): Promise<Filled>;
  cancel(reason: unknown): Promise<void>;
}

interface Filled {
  readonly buffer: ArrayBuffer;
  readonly count: number;
  readonly done: boolean;
}

const INITIAL_BYTES = 16_384;
/**
 * A read returns with at least this much, or at the end of the stream: a body in chunks of one byte then takes as few
 * reads as one in large chunks.
 */
const READ_BYTES = 65_536;

/**
 * The bytes of a stream, in one buffer that doubles when it is full. Chunks are not kept: each would take several
 * kilobytes, however short it is.
 */
export function collectStream(
  stream: ReadableStream<Uint8Array>,
  options: CollectOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  return collect(toSource(stream), options);
}

/** The bytes of a source, in the same way. */
export async function collect(
  source: Source,
  options: CollectOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const { maxBytes, expectedBytes = maxBytes, reserve, wait, tooLarge } = options;
  // One more byte shows whether the stream ends there.
  const largest = Math.min(expectedBytes, maxBytes) + 1;
  const allocate = (bytes: number): Uint8Array<ArrayBuffer> => {
    reserve(bytes);
    return new Uint8Array(bytes);
  };
  try {
    let buffer = allocate(Math.min(INITIAL_BYTES, largest));
    let length = 0;
    for (;;) {
      const filled = await wait(source.read(buffer.subarray(length)));
      buffer = new Uint8Array(filled.buffer);
      length += filled.count;
      if (length > maxBytes) throw tooLarge();
      if (filled.done) return buffer.subarray(0, length);
      if (length < buffer.byteLength) continue;
      // Longer than its content-length, as a body from another Worker may be.
      const limit = length >= largest ? maxBytes + 1 : largest;
      const grown = allocate(Math.min(2 * length, limit));
      grown.set(buffer);
      buffer = grown;
    }
  } catch (error) {
    void source.cancel(error).catch(() => undefined);
    throw error;
  }
}

function toSource(stream: ReadableStream<Uint8Array>): Source {
  const reader = byobReader(stream);
  if (!reader) return toChunkSource(stream.getReader());
  return {
    async read(target) {
      const { buffer } = target;
      const min = Math.min(READ_BYTES, target.byteLength);
      const { value, done } = await readAtLeast(reader, min, target);
      return { buffer: value?.buffer ?? buffer, count: value?.byteLength ?? 0, done };
    },
    cancel: (reason) => reader.cancel(reason),
  };
}

/** Streams that are made in JavaScript may have no reader that fills buffers. */
function byobReader(stream: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return stream.getReader({ mode: "byob" });
  } catch {
    return undefined;
  }
}

type Read = ReadableStreamReadResult<Uint8Array<ArrayBuffer>>;

/** workerd's extension of the standard, which other runtimes lack. */
function readAtLeast(
  reader: ReadableStreamBYOBReader,
  min: number,
  target: Uint8Array<ArrayBuffer>,
): Promise<Read> {
  const read = "readAtLeast" in reader ? reader.readAtLeast(min, target) : undefined;
  return (read ?? (reader as ReadableStreamBYOBReader).read(target)) as Promise<Read>;
}

function toChunkSource(reader: ReadableStreamDefaultReader<Uint8Array>): Source {
  let rest: Uint8Array = new Uint8Array();
  return {
    async read(target) {
      if (rest.byteLength === 0) {
        const { value, done } = await reader.read();
        if (done) return { buffer: target.buffer, count: 0, done };
        rest = value;
      }
      const part = rest.subarray(0, target.byteLength);
      target.set(part);
      rest = rest.subarray(part.byteLength);
      return { buffer: target.buffer, count: part.byteLength, done: false };
    },
    cancel: (reason) => reader.cancel(reason),
  };
}
