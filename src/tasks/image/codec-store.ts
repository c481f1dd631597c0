import { ApiError } from "../../domain/errors.ts";
import type { MemoryConsumer } from "../../domain/ports.ts";
import { settlesWithin } from "../../shared/settles-within.ts";
import { type Codec, CodecError } from "./codec.ts";
import type { ImageFormat } from "./image-header.ts";

/** The codecs of an isolate: each is instantiated for the first file of its format, and kept. */
export interface CodecStore extends MemoryConsumer {
  /**
   * Runs synchronous work with the codec of a format. When the work throws, or the platform cuts it off, the instance is
   * replaced by a new one, except after a {@link CodecError} with `instanceIsIntact`.
   * @param neededBytes the memory that the codec needs for the file
   * @throws ApiError `overloaded` while too much memory of replaced instances is not collected yet
   */
  use<T>(format: ImageFormat, neededBytes: number, work: (codec: Codec) => T): Promise<T>;
}

/**
 * Memory of all codecs together between two images. A wasm memory never shrinks, and one that is dropped
 * stays until it is collected: a dozen photographs were seen to take a gigabyte.
 */
const MAX_KEPT_BYTES = 80 * 2 ** 20;
/** Limit of dropped memory: files that make a codec trap could fill the isolate faster than memory is collected. */
const MAX_DROPPED_BYTES = 192 * 2 ** 20;
/** Images that need no more have twice the limit, so that large ones cannot exhaust it for them. */
const SMALL_BYTES = 8 * 2 ** 20;
/** Beyond the limit one image is admitted in this time, so that a large one is decoded even when nothing is collected. */
const ADMIT_AFTER_SECONDS = 1;
/** An instance is made without waiting for anything; one that takes longer was cut off with its request. */
const MAX_INSTANTIATION_MS = 2000;
/** Memory of an instance after a small file. */
const MIN_INSTANCE_BYTES = 2 * 2 ** 20;

interface Kept {
  readonly instance: Promise<Codec>;
  /** Once it has been used. */
  codec?: Codec;
  memoryBytes: number;
}

interface Work {
  readonly format: ImageFormat;
  readonly kept: Kept;
  readonly codec: Codec;
  readonly neededBytes: number;
}

interface Dropped {
  readonly codec: WeakRef<Codec>;
  readonly bytes: number;
}

export interface CodecStoreOptions {
  /** Called before codecs' memories grow by so many bytes. */
  readonly reserve?: (bytes: number) => void;
  readonly now?: () => number;
}

export function createCodecStore(
  instantiate: (format: ImageFormat) => Promise<Codec>,
  { reserve = () => {}, now = Date.now }: CodecStoreOptions = {},
): CodecStore {
  /** Least recently used first. */
  const codecs = new Map<ImageFormat, Kept>();
  let dropped: Dropped[] = [];
  let admittedAt = Number.NEGATIVE_INFINITY;
  /** It is synchronous, so it is over before anything else begins, unless the platform has cut it off. */
  let inProgress: Work | undefined;

  const admit = (format: ImageFormat, neededBytes: number): void => {
    if (neededBytes <= (codecs.get(format)?.memoryBytes ?? 0)) return;
    dropped = dropped.filter(({ codec }) => codec.deref() !== undefined);
    const waiting = dropped.reduce((sum, { bytes }) => sum + bytes, 0);
    if (waiting <= MAX_DROPPED_BYTES * (neededBytes > SMALL_BYTES ? 1 : 2)) return;
    if (now() - admittedAt < ADMIT_AFTER_SECONDS * 1000)
      throw new ApiError(
        "overloaded",
        "The memory of images that could not be decoded is not free yet: retry later.",
        { details: { retryAfterSeconds: ADMIT_AFTER_SECONDS } },
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
    dropped.push({ codec: new WeakRef(codec), bytes: Math.max(bytes, MIN_INSTANCE_BYTES) });
  };

  const dropCutOff = (): void => {
    if (!inProgress) return;
    const { format, kept, codec, neededBytes } = inProgress;
    inProgress = undefined;
    if (codecs.get(format) === kept) drop(format, codec, neededBytes);
  };

  /** The codec; `undefined` when the request that began to make it was cut off. */
  const codecOf = async ({ codec, instance }: Kept): Promise<Codec | undefined> =>
    codec ?? ((await settlesWithin(instance, MAX_INSTANTIATION_MS)) ? instance : undefined);

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
      dropCutOff();
      for (const [format, { codec, memoryBytes }] of codecs)
        if (codec) drop(format, codec, memoryBytes);
    },
    async use(format, neededBytes, work) {
      dropCutOff();
      admit(format, neededBytes);
      let kept: Kept;
      let codec: Codec | undefined;
      do {
        kept = find(format);
        codec = await codecOf(kept);
        dropCutOff();
        if (!codec && codecs.get(format) === kept) codecs.delete(format);
        // Another file may have replaced it in the meantime.
      } while (!codec || codecs.get(format) !== kept);
      reserve(Math.max(0, neededBytes - kept.memoryBytes));
      inProgress = { format, kept, codec, neededBytes };
      try {
        const result = work(codec);
        inProgress = undefined;
        keep(format, kept, codec);
        return result;
      } catch (error) {
        inProgress = undefined;
        if (error instanceof CodecError && error.instanceIsIntact) keep(format, kept, codec);
        else drop(format, codec, neededBytes);
        throw error;
      }
    },
  };
}
