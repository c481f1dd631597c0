import { ApiError } from "../../domain/errors.ts";
import type { MemoryConsumer } from "../../domain/ports.ts";
import { type Codec, CodecError } from "./codec.ts";
import type { ImageFormat } from "./header.ts";

/** The codecs of an isolate: each is made when the first file wants it, and kept. */
export interface CodecStore extends MemoryConsumer {
  /**
   * Runs synchronous work with the codec of a format. What the work throws ends the instance, unless it
   * is a {@link CodecError} that says otherwise: the next file gets a new one.
   * @param neededBytes what the codec's memory will have to hold
   * @throws ApiError `overloaded` while too much memory of ended instances waits to be collected
   */
  use<T>(format: ImageFormat, neededBytes: number, work: (codec: Codec) => T): Promise<T>;
}

/**
 * What the codecs' memories may be together between two pictures. They never shrink, but a dropped one
 * stays until somebody collects it: a dozen photographs were seen to pile up to a gigabyte.
 */
const MAX_KEPT_BYTES = 80 * 2 ** 20;
/** Files that end a codec on purpose could fill the isolate faster than it is swept. */
const MAX_DROPPED_BYTES = 192 * 2 ** 20;
/** Pictures that need no more have as much room again, so that large ones cannot take theirs. */
const SMALL_BYTES = 8 * 2 ** 20;
/** Beyond that one more in so long, so that a large picture gets its turn when nothing is swept. */
const PATIENCE_SECONDS = 1;
/** What even an instance that decoded next to nothing takes. */
const LEAST_INSTANCE_BYTES = 2 * 2 ** 20;

interface Kept {
  readonly instance: Promise<Codec>;
  /** Once it has been used. */
  codec?: Codec;
  memoryBytes: number;
}

interface Dropped {
  readonly codec: WeakRef<Codec>;
  readonly bytes: number;
}

export interface CodecStoreOptions {
  /** Called before codecs' memories grow by so many bytes. */
  readonly makeRoom?: (bytes: number) => void;
  readonly now?: () => number;
}

export function createCodecStore(
  instantiate: (format: ImageFormat) => Promise<Codec>,
  { makeRoom = () => {}, now = Date.now }: CodecStoreOptions = {},
): CodecStore {
  /** The one used last comes last. */
  const codecs = new Map<ImageFormat, Kept>();
  let dropped: Dropped[] = [];
  let admittedAt = Number.NEGATIVE_INFINITY;

  const admit = (format: ImageFormat, neededBytes: number): void => {
    if (neededBytes <= (codecs.get(format)?.memoryBytes ?? 0)) return;
    dropped = dropped.filter(({ codec }) => codec.deref() !== undefined);
    const waiting = dropped.reduce((sum, { bytes }) => sum + bytes, 0);
    if (waiting <= MAX_DROPPED_BYTES * (neededBytes > SMALL_BYTES ? 1 : 2)) return;
    if (now() - admittedAt < PATIENCE_SECONDS * 1000)
      throw new ApiError(
        "overloaded",
        "The memory of pictures that could not be decoded is not free yet: try again soon.",
        { details: { retryAfterSeconds: PATIENCE_SECONDS } },
      );
    admittedAt = now();
  };

  const find = (format: ImageFormat): Kept => {
    const known = codecs.get(format);
    if (known) return known;
    const made = { instance: instantiate(format), memoryBytes: 0 };
    codecs.set(format, made);
    made.instance.catch(() => {
      if (codecs.get(format) === made) codecs.delete(format);
    });
    return made;
  };

  const drop = (format: ImageFormat, codec: Codec, bytes: number): void => {
    codecs.delete(format);
    dropped.push({ codec: new WeakRef(codec), bytes: Math.max(bytes, LEAST_INSTANCE_BYTES) });
  };

  const sumOfKept = (): number =>
    [...codecs.values()].reduce((total, { memoryBytes }) => total + memoryBytes, 0);

  const keep = (format: ImageFormat, kept: Kept, codec: Codec): void => {
    kept.codec = codec;
    kept.memoryBytes = codec.memoryBytes();
    codecs.delete(format);
    codecs.set(format, kept);
    let sum = sumOfKept();
    for (const [oldest, { codec, memoryBytes }] of codecs) {
      if (sum <= MAX_KEPT_BYTES) break;
      sum -= memoryBytes;
      if (codec) drop(oldest, codec, memoryBytes);
    }
  };

  return {
    get memoryBytes() {
      return sumOfKept();
    },
    release() {
      for (const [format, { codec, memoryBytes }] of codecs)
        if (codec) drop(format, codec, memoryBytes);
    },
    async use(format, neededBytes, work) {
      admit(format, neededBytes);
      let kept = find(format);
      let codec = await kept.instance;
      // Another file may have ended it in the meantime.
      while (codecs.get(format) !== kept) {
        kept = find(format);
        codec = await kept.instance;
      }
      makeRoom(Math.max(0, neededBytes - kept.memoryBytes));
      try {
        const answer = work(codec);
        keep(format, kept, codec);
        return answer;
      } catch (error) {
        if (error instanceof CodecError && error.instanceIsIntact) keep(format, kept, codec);
        else drop(format, codec, neededBytes);
        throw error;
      }
    },
  };
}
