import { ApiError } from "../../domain/errors.ts";
import { hashBytes } from "../../shared/fnv1a.ts";
import type { ResamplerState } from "./resample.ts";
import type { SegmenterState } from "./speech-segments.ts";
import type { FramingState } from "./windows.ts";

/** The state of a stream of audio between two requests. */
export interface StreamState {
  /** In Hz, before resampling. */
  readonly sampleRate: number;
  readonly resampler: ResamplerState;
  readonly framing: FramingState;
  /** The model's own state: the values of its state tensors, one tensor after the other. */
  readonly recurrent: Float32Array;
  readonly segmenter: SegmenterState;
}

/** Lengths of the lists of a state, which follow from the model and from the number of samples. */
export interface StateLengths {
  readonly history: number;
  readonly context: number;
  readonly waiting: number;
  readonly recurrent: number;
  /** Windows so far. */
  readonly windows: number;
}

/** The fields of a token that determine the lengths of its lists. */
export interface TokenHeader {
  readonly sampleRate: number;
  readonly received: number;
}

/** Samples of a stream: weeks of audio, and every product with them stays below 2^53. */
export const MAX_STREAM_SAMPLES = 2 ** 36;

const MAGIC = 0x4f46_5354;
const VERSION = 1;
const DIGEST_OFFSET = 5;
const DIGEST_BYTES = 32;
const NUMBERS_OFFSET = DIGEST_OFFSET + DIGEST_BYTES;
/** Sample rate, samples received, and of the segmenter: start, silence, start and end of the held segment. */
const NUMBERS = 6;
const FLOATS_OFFSET = NUMBERS_OFFSET + 8 * NUMBERS;
const CHECKSUM_BYTES = 4;
const NONE = -1;

/**
 * A state as an opaque string for the client to send back: base64url of
 *
 *     bytes  0-3   "OFST"
 *     byte   4     version of this layout, 1
 *     bytes  5-36  SHA-256 of the model
 *     bytes 37-84  six float64: see NUMBERS; -1 for none
 *     then         float32: history, context, waiting samples, the model's state
 *     last 4       checksum (FNV-1a) of what is before
 *
 * all big-endian. It is neither secret nor signed: it is computed from what its client sent, and a
 * forged one can do no more than other audio could.
 * @param digest SHA-256 of the model in hexadecimal
 */
export function encodeStreamState(state: StreamState, digest: string): string {
  const { resampler, framing, segmenter } = state;
  const lists = [resampler.history, framing.context, framing.waiting, state.recurrent];
  const floats = lists.reduce((sum, list) => sum + list.length, 0);
  const bytes = new Uint8Array(FLOATS_OFFSET + 4 * floats + CHECKSUM_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  view.setUint8(4, VERSION);
  for (let index = 0; index < DIGEST_BYTES; index++)
    bytes[DIGEST_OFFSET + index] = Number.parseInt(digest.slice(2 * index, 2 * index + 2), 16);
  const numbers = [
    state.sampleRate,
    resampler.received,
    segmenter.start ?? NONE,
    segmenter.silence ?? NONE,
    segmenter.held?.start ?? NONE,
    segmenter.held?.end ?? NONE,
  ];
  for (const [index, value] of numbers.entries())
    view.setFloat64(NUMBERS_OFFSET + 8 * index, value);
  let offset = FLOATS_OFFSET;
  for (const list of lists)
    for (const value of list) {
      view.setFloat32(offset, value);
      offset += 4;
    }
  view.setUint32(offset, hashBytes(bytes.subarray(0, offset)));
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * @param digest SHA-256 of the model of this request, in hexadecimal
 * @param lengthsFor the lengths that a state has after so many samples of a rate
 * @throws ApiError `invalid_input` for a token that is damaged, of another layout or of another model
 */
export function decodeStreamState(
  token: string,
  digest: string,
  lengthsFor: (header: TokenHeader) => StateLengths,
): StreamState {
  const view = new DataView(toBytes(token));
  if (view.byteLength < FLOATS_OFFSET + CHECKSUM_BYTES || view.getUint32(0) !== MAGIC)
    throw refuse("it is not a state of this service");
  if (view.getUint8(4) !== VERSION)
    throw refuse(
      `its layout is version ${view.getUint8(4)}, and this service reads version ${VERSION}`,
    );
  const end = view.byteLength - CHECKSUM_BYTES;
  if (view.getUint32(end) !== hashBytes(new Uint8Array(view.buffer, 0, end)))
    throw refuse("it is damaged or truncated");
  for (let index = 0; index < DIGEST_BYTES; index++)
    if (
      view.getUint8(DIGEST_OFFSET + index) !==
      Number.parseInt(digest.slice(2 * index, 2 * index + 2), 16)
    )
      throw refuse("it is of another model or version; a stream continues with the same one");
  const number = (index: number): number => view.getFloat64(NUMBERS_OFFSET + 8 * index);
  const sampleRate = number(0);
  const received = number(1);
  if (!isCount(sampleRate, 2 ** 32) || sampleRate === 0 || !isCount(received, MAX_STREAM_SAMPLES))
    throw refuse("its numbers are not those of a stream");
  const lengths = lengthsFor({ sampleRate, received });
  const { history, context, waiting, recurrent } = lengths;
  if (end !== FLOATS_OFFSET + 4 * (history + context + waiting + recurrent))
    throw refuse("it does not have the size of this model's states");
  let offset = FLOATS_OFFSET;
  const list = (length: number): Float32Array => {
    const values = Float32Array.from({ length }, (_, index) => view.getFloat32(offset + 4 * index));
    offset += 4 * length;
    if (!values.every(Number.isFinite)) throw refuse("it holds NaN or infinity");
    return values;
  };
  return {
    sampleRate,
    resampler: { received, history: list(history) },
    framing: { context: list(context), waiting: list(waiting) },
    recurrent: list(recurrent),
    segmenter: readSegmenter([number(2), number(3), number(4), number(5)], lengths.windows),
  };
}

function readSegmenter(positions: readonly number[], windows: number): SegmenterState {
  const valid = positions.every(
    (position) => position === NONE || isCount(position, MAX_STREAM_SAMPLES),
  );
  const [start = NONE, silence = NONE, heldStart = NONE, heldEnd = NONE] = positions;
  if (!valid || (heldStart === NONE) !== (heldEnd === NONE) || (silence >= 0 && start === NONE))
    throw refuse("its numbers are not those of a stream");
  return {
    windows,
    start: start === NONE ? undefined : start,
    silence: silence === NONE ? undefined : silence,
    held: heldStart === NONE ? undefined : { start: heldStart, end: heldEnd },
  };
}

function isCount(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= most;
}

function toBytes(token: string): ArrayBuffer {
  let binary: string;
  try {
    binary = atob(token.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    throw refuse("it is not base64url");
  }
  return Uint8Array.from(binary, (character) => character.charCodeAt(0)).buffer;
}

function refuse(problem: string): ApiError {
  return new ApiError(
    "invalid_input",
    `The parameter "state" is not valid: ${problem}. Send the state of a prediction of this model unchanged, or omit it to begin a stream.`,
  );
}
