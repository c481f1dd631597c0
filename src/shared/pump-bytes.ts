/** As large as what workerd reads of a connection at once. */
const BUFFER_BYTES = 65_536;

export interface PumpOptions {
  /** Called with each chunk, whose bytes are others when it has returned. */
  readonly observe?: (chunk: Uint8Array) => void | Promise<void>;
  /** Called after the last chunk, before the stream ends. */
  readonly finish?: () => Promise<void>;
  /** Waits for a read of the source. */
  readonly wait?: <T>(read: Promise<T>) => Promise<T>;
  /** Waits until bytes, or the end, were taken. */
  readonly waitTaken?: (write: Promise<void>) => Promise<void>;
}

/**
 * The same bytes, which go through a single buffer where the platform has streams of bytes: a chunk in memory of its own for each read would be
 * garbage of the size of the whole stream.
 */
export function pumpBytes(
  source: ReadableStream<Uint8Array>,
  options: PumpOptions = {},
): ReadableStream<Uint8Array> {
  const { readable, writable } = createPipe();
  const { wait = (read) => read, finish } = options;
  const fail = (error: unknown): never => {
    const cause = failureOf(source) ?? error;
    noteFailure(readable, cause);
    throw cause;
  };
  const noted: PumpOptions = {
    ...options,
    wait: (read) => wait(read).catch(fail),
    ...(finish && { finish: () => finish().catch(fail) }),
  };
  // A failure is the reader's.
  pumpInto(source, writable, noted).catch(() => undefined);
  return readable;
}

/** The platform's, which passes bytes on without copies; in Node, where the command line runs, a stream of chunks. */
function createPipe(): TransformStream<Uint8Array, Uint8Array> {
  if (typeof IdentityTransformStream === "function") return new IdentityTransformStream();
  return new TransformStream({
    transform: (chunk, controller) => controller.enqueue(chunk.slice()),
  });
}

const failures = new WeakMap<ReadableStream<Uint8Array>, unknown>();

/** Says why a stream of the platform fails, before it does: it passes on the message alone. */
export function noteFailure(stream: ReadableStream<Uint8Array>, error: unknown): void {
  failures.set(stream, error);
}

/**
 * Why a stream has failed, if that was noted, as {@link pumpBytes} does of its source.
 * @returns `undefined` for a stream that has not failed, and for others
 */
export function failureOf(stream: ReadableStream<Uint8Array>): unknown {
  return failures.get(stream);
}

/**
 * Writes the bytes of a stream to another one, and closes it; a failure of either ends both. workerd has no `pipeTo` between two streams of its own.
 * @throws what either stream fails with
 */
export async function pumpInto(
  source: ReadableStream<Uint8Array>,
  writable: WritableStream<Uint8Array>,
  options: PumpOptions = {},
): Promise<void> {
  const { finish, waitTaken = (write) => write } = options;
  const writer = writable.getWriter();
  try {
    await writeBytes(source, writer, options);
    await finish?.();
    await waitTaken(writer.close());
  } catch (error) {
    // Not awaited: it does not end while the other side does not take what it has been given.
    writer.abort(error).catch(() => undefined);
    throw error;
  }
}

/**
 * Writes the bytes of a stream, which is cancelled when that fails; the writer is left as it is.
 * @throws what the stream fails with, or the writer
 */
export async function writeBytes(
  source: ReadableStream<Uint8Array>,
  writer: WritableStreamDefaultWriter<Uint8Array>,
  {
    observe,
    wait = (read) => read,
    waitTaken = (write) => write,
  }: Omit<PumpOptions, "finish"> = {},
): Promise<void> {
  const reader = openReader(source);
  // Whoever reads may stop, also while the source sends nothing.
  writer.closed.catch((error: unknown) => reader.cancel(error).catch(() => undefined));
  try {
    for (;;) {
      const chunk = await wait(reader.read());
      if (!chunk) return;
      await observe?.(chunk);
      // Fulfilled when the bytes were taken, so that the buffer can be used again.
      await waitTaken(writer.write(chunk));
    }
  } catch (error) {
    reader.cancel(error).catch(() => undefined);
    throw error;
  }
}

interface Reader {
  /** `undefined` at the end. */
  read(): Promise<Uint8Array | undefined>;
  cancel(reason: unknown): Promise<void>;
}

function openReader(source: ReadableStream<Uint8Array>): Reader {
  const bytes = openByteReader(source);
  if (bytes) {
    let buffer = new ArrayBuffer(BUFFER_BYTES);
    return {
      async read() {
        const { value, done } = await bytes.read(new Uint8Array(buffer));
        if (value) buffer = value.buffer;
        return done ? undefined : value;
      },
      cancel: (reason) => bytes.cancel(reason),
    };
  }
  const chunks = source.getReader();
  return {
    async read() {
      const { value, done } = await chunks.read();
      return done ? undefined : value;
    },
    cancel: (reason) => chunks.cancel(reason),
  };
}

/** `undefined` for a stream of chunks. */
function openByteReader(source: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return source.getReader({ mode: "byob" });
  } catch {
    return undefined;
  }
}
