import { ApiError } from "../../domain/errors.ts";
import type { AudioCodec } from "./codecs/codec-files.ts";
import { type CodecInstance, createCodecInstance } from "./codecs/codec-instance.ts";
import type { Wav } from "./wav.ts";

/** Reads a file from its beginning to its end, in an instance of its codec. */
export interface Decoding {
  /**
   * The next samples, a mean of the channels; `undefined` at the end of the file.
   * @throws ApiError `invalid_input` for a part that cannot be decoded
   */
  next(): Float32Array | undefined;
}

/** What a file is by its headers, which were checked. */
export interface CompressedFile<C extends AudioCodec = AudioCodec> {
  readonly codec: C;
  readonly sampleRate: number;
  readonly channels: number;
  /** Samples of one channel. */
  readonly frames: number;
  /** Samples before the first one. */
  readonly skip?: number;
  open(instance: CodecInstance<C>): Decoding;
}

export type Refuse = (problem: string) => ApiError;

/** Memory of all instances together. An instance is made for the first file of its format, and kept. */
const MAX_BYTES = 52 * 2 ** 20;
const INSTANCE_BYTES: Readonly<Record<AudioCodec, number>> = {
  flac: 17 * 2 ** 20,
  mpg123: 17 * 2 ** 20,
  vorbis: 17 * 2 ** 20,
  opus: 28 * 2 ** 20,
};
/** After which a reader that has not read loses its instance: its request was cut off, or waits for others. It begins again then. */
const IDLE_MS = 5000;
const RETRY_SECONDS = 1;

interface Slot {
  readonly codec: AudioCodec;
  readonly instance: CodecInstance;
  decoding: Decoding | undefined;
  usedAt: number;
}

let slots: Slot[] = [];

/** @throws ApiError `overloaded` while other files are decoded in all of the memory */
function acquire(codec: AudioCodec): Slot {
  const now = Date.now();
  const isFree = ({ decoding, usedAt }: Slot): boolean =>
    decoding === undefined || now - usedAt > IDLE_MS;
  const known = slots.find((slot) => slot.codec === codec && isFree(slot));
  if (known) {
    release(known);
    return known;
  }
  const sum = (): number => slots.reduce((total, slot) => total + INSTANCE_BYTES[slot.codec], 0);
  while (sum() + INSTANCE_BYTES[codec] > MAX_BYTES) {
    const other = slots.find(isFree);
    if (!other)
      throw new ApiError(
        "overloaded",
        "Other recordings are being decoded in all of the memory that there is for it: retry later.",
        { details: { retryAfterSeconds: RETRY_SECONDS } },
      );
    drop(other);
  }
  const made = { codec, instance: createCodecInstance(codec), decoding: undefined, usedAt: now };
  slots.push(made);
  return made;
}

function release(slot: Slot): void {
  if (slot.decoding) slot.instance.reset();
  slot.decoding = undefined;
}

/** An instance that has trapped is not used again. */
function drop(slot: Slot): void {
  slots = slots.filter((other) => other !== slot);
  slot.decoding = undefined;
}

/** A compressed file as one whose samples are read in their order: reading others begins again. */
export function readCompressed(file: CompressedFile, refuse: Refuse): Wav {
  const { sampleRate, channels, frames, skip = 0 } = file;
  let slot: Slot | undefined;
  let decoding: Decoding | undefined;
  /** Of the first sample in `rest`. */
  let position = -skip;
  let rest = new Float32Array(0);

  const begin = (): Decoding => {
    if (slot && decoding && slot.decoding === decoding) release(slot);
    slot = acquire(file.codec);
    slot.usedAt = Date.now();
    const made = file.open(slot.instance as never);
    slot.decoding = made;
    decoding = made;
    position = -skip;
    rest = new Float32Array(0);
    return made;
  };

  const readMono = (start: number, count: number): Float32Array<ArrayBuffer> => {
    const mono = new Float32Array(Math.max(0, Math.min(count, frames - start)));
    if (mono.length === 0) return mono;
    const isOpen = slot !== undefined && decoding !== undefined && slot.decoding === decoding;
    let current = isOpen && start >= position ? (decoding as Decoding) : begin();
    if (slot) slot.usedAt = Date.now();
    const end = start + mono.length;
    for (;;) {
      const from = Math.max(start, position);
      const to = Math.min(end, position + rest.length);
      if (to > from) mono.set(rest.subarray(from - position, to - position), from - start);
      if (position + rest.length >= end) break;
      position += rest.length;
      rest = new Float32Array(0);
      const next = current.next();
      if (!next)
        throw refuse(
          `it ends after ${Math.max(0, position)} of the ${frames} samples that it has by its headers; it is truncated or damaged`,
        );
      rest = Float32Array.from(next);
      current = decoding ?? current;
    }
    rest = rest.slice(Math.max(0, end - position));
    position = end;
    const wrong = mono.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0) throw refuse(`its sample ${start + wrong} is NaN or infinite`);
    if (end === frames && slot) release(slot);
    return mono;
  };

  return {
    sampleRate,
    channels,
    frames,
    readMono(start, count) {
      try {
        return readMono(start, count);
      } catch (cause) {
        if (slot && slot.decoding === decoding) {
          if (cause instanceof ApiError && cause.code !== "internal") release(slot);
          else drop(slot);
        }
        if (cause instanceof ApiError) throw cause;
        throw Object.assign(refuse("its data cannot be decoded; it is damaged"), { cause });
      }
    },
  };
}

/** Copies the mean of channels that lie one after the other. */
export function meanOfChannels(planes: readonly Float32Array[], count: number): Float32Array {
  const mono = new Float32Array(count);
  for (const plane of planes)
    for (let at = 0; at < count; at++) mono[at] = (mono[at] as number) + (plane[at] as number);
  if (planes.length > 1)
    for (let at = 0; at < count; at++) mono[at] = (mono[at] as number) / planes.length;
  return mono;
}
