import { ApiError } from "../../domain/errors.ts";
import { IEEE_FLOAT, PCM, type SampleFormat, SUPPORTED, sampleFormat } from "./wav-samples.ts";

/** Sample rates beyond these are taken for a damaged header. */
const MIN_SAMPLE_RATE = 1000;
const MAX_SAMPLE_RATE = 384_000;

/** A WAV file whose header is checked against its size. */
export interface Wav {
  readonly sampleRate: number;
  readonly channels: number;
  /** Samples of one channel. */
  readonly frames: number;
  /**
   * The mean of the channels, full scale at -1 and 1.
   * @returns a new array of `Math.min(count, frames - start)` samples
   * @throws ApiError `invalid_input` at a sample that is NaN or infinite
   */
  readMono(start: number, count: number): Float32Array<ArrayBuffer>;
}

const EXTENSIBLE = 0xfffe;

/** Names for messages. */
const CODECS: Readonly<Record<number, string>> = {
  2: "Microsoft ADPCM",
  6: "A-law",
  7: "mu-law",
  17: "IMA ADPCM",
  49: "GSM 6.10",
  80: "MPEG",
  85: "MP3",
};

/** The last 14 bytes of a SubFormat that holds a plain format tag in its first two (KSDATAFORMAT_SUBTYPE_*). */
const SUBFORMAT_TAILS = ["000000001000800000aa00389b71", "00002107d3118644c8c1ca000000"];

/** Bytes of an extensible format, up to the end of its SubFormat. */
const EXTENSIBLE_BYTES = 40;

/** Encoders write fewer than twenty; each costs time. */
const MAX_CHUNKS = 4096;

/** The size of a chunk that is written into a pipe, and in RF64 files of one whose size is in `ds64`. */
const UNKNOWN_SIZE = 0xffff_ffff;

/**
 * Reads the header of a RIFF WAVE file, also of RIFX (big-endian) and of RF64 and BW64 (sizes of 64 bits). Samples end where the
 * file does, whatever their size in the header is: programs that write into a pipe do not know it. A last frame that is not
 * whole is left out, as by libsndfile. The fields that repeat a size or a rate in bytes are not used.
 * @param path its name in messages: `inputs`, `inputs[2]`
 * @throws ApiError `invalid_input` that names what is wrong with the file
 */
export function parseWav(bytes: Uint8Array, path: string): Wav {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const refuse = (problem: string): ApiError =>
    new ApiError("invalid_input", `${path} cannot be read as a WAV file: ${problem}.`);
  const little = checkForm(view, refuse) !== "RIFX";
  let format: Format | undefined;
  let longSize: number | undefined;
  let chunks = 0;
  for (let offset = 12; offset + 8 <= view.byteLength; ) {
    if (++chunks > MAX_CHUNKS) throw refuse(`it has more than ${MAX_CHUNKS} chunks`);
    const id = fourCharacters(view, offset);
    const size = view.getUint32(offset + 4, little);
    const start = offset + 8;
    const left = view.byteLength - start;
    if (id === "data") {
      if (!format) throw refuse('its "data" chunk comes before its "fmt " chunk');
      const known = size === UNKNOWN_SIZE ? longSize : size;
      // A header that was never completed has 0, and a size of the whole file that is not its own.
      const isOpen = known === 0 && view.getUint32(4, little) !== view.byteLength - 8;
      const length = isOpen ? left : Math.min(known ?? left, left);
      return samplesOf(new DataView(view.buffer, view.byteOffset + start, length), format, refuse);
    }
    if (size > left)
      throw refuse(
        `its ${quoted(id)} chunk has ${size} bytes by its header, but ${left} follow; it is truncated`,
      );
    if (id === "ds64" && size >= 16) longSize = Number(view.getBigUint64(start + 8, little));
    if (id === "fmt ") {
      if (format) throw refuse('it has two "fmt " chunks');
      format = readFormat(view, start, size, little, refuse);
    }
    // A chunk of an odd length is followed by a byte of padding.
    offset = start + size + (size % 2);
  }
  throw refuse(`it ends without a ${format ? '"data"' : '"fmt "'} chunk`);
}

interface Format {
  readonly channels: number;
  readonly sampleRate: number;
  readonly frameBytes: number;
  readonly sample: SampleFormat;
}

type Refuse = (problem: string) => ApiError;

const CONTAINERS = ["RIFF", "RIFX", "RF64", "BW64"];

function checkForm(view: DataView, refuse: Refuse): string {
  if (view.byteLength < 12) throw refuse(`it has ${view.byteLength} bytes, fewer than its header`);
  const container = fourCharacters(view, 0);
  const form = fourCharacters(view, 8);
  if (!CONTAINERS.includes(container) || form !== "WAVE")
    throw refuse(
      `it begins with ${quoted(container)} and ${quoted(form)} instead of "RIFF" and "WAVE"`,
    );
  return container;
}

function readFormat(
  view: DataView,
  start: number,
  size: number,
  little: boolean,
  refuse: Refuse,
): Format {
  if (size < 16) throw refuse(`its "fmt " chunk has ${size} bytes, fewer than 16`);
  const tag = view.getUint16(start, little);
  const channels = view.getUint16(start + 2, little);
  const sampleRate = view.getUint32(start + 4, little);
  const blockAlign = view.getUint16(start + 12, little);
  const bits = view.getUint16(start + 14, little);
  const codec = tag === EXTENSIBLE ? readSubformat(view, start, size, little, refuse) : tag;
  const sample = sampleFormat(codec, bits, little);
  if (!sample) throw refuse(`${codecName(codec, bits)} is not supported; ${SUPPORTED}`);
  if (channels === 0) throw refuse("it has no channels");
  if (sampleRate < MIN_SAMPLE_RATE || sampleRate > MAX_SAMPLE_RATE)
    throw refuse(
      `its rate is ${sampleRate} Hz, outside ${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE} Hz`,
    );
  const frameBytes = channels * sample.bytes;
  // 0 in headers that were never completed.
  if (blockAlign !== 0 && blockAlign !== frameBytes)
    throw refuse(
      `its block align is ${blockAlign}, but ${channels} channels of ${bits} bits take ${frameBytes} bytes`,
    );
  return { channels, sampleRate, frameBytes, sample };
}

function readSubformat(
  view: DataView,
  start: number,
  size: number,
  little: boolean,
  refuse: Refuse,
): number {
  if (size < EXTENSIBLE_BYTES)
    throw refuse(`its extensible "fmt " chunk has ${size} bytes, fewer than ${EXTENSIBLE_BYTES}`);
  let tail = "";
  for (let offset = start + 26; offset < start + EXTENSIBLE_BYTES; offset++)
    tail += view.getUint8(offset).toString(16).padStart(2, "0");
  if (!SUBFORMAT_TAILS.includes(tail))
    throw refuse(`its extensible format is of an unknown kind; ${SUPPORTED}`);
  return view.getUint16(start + 24, little);
}

function codecName(codec: number, bits: number): string {
  if (codec === PCM) return `PCM of ${bits} bits`;
  if (codec === IEEE_FLOAT) return `float of ${bits} bits`;
  return `the codec ${codec}${CODECS[codec] ? ` (${CODECS[codec]})` : ""}`;
}

function samplesOf(data: DataView, format: Format, refuse: Refuse): Wav {
  const { channels, sampleRate, frameBytes, sample } = format;
  const frames = Math.floor(data.byteLength / frameBytes);
  if (frames === 0) throw refuse("it has no samples");
  const readMono = (start: number, count: number): Float32Array<ArrayBuffer> => {
    const mono = new Float32Array(Math.max(0, Math.min(count, frames - start)));
    let offset = start * frameBytes;
    for (let frame = 0; frame < mono.length; frame++) {
      let sum = 0;
      for (let channel = 0; channel < channels; channel++) {
        sum += sample.read(data, offset);
        offset += sample.bytes;
      }
      mono[frame] = sum / channels;
    }
    const wrong = mono.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0) throw refuse(`its frame ${start + wrong} is NaN, infinite or beyond FP32`);
    return mono;
  };
  return { sampleRate, channels, frames, readMono };
}

function fourCharacters(view: DataView, offset: number): string {
  return String.fromCharCode(...[0, 1, 2, 3].map((index) => view.getUint8(offset + index)));
}

/** Bytes of a file in a message, with escapes for those that are not printable. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
