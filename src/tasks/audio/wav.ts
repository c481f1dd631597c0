import { ApiError } from "../../domain/errors.ts";

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

/** How a sample is encoded, and its value between -1 and 1. */
interface SampleFormat {
  readonly bytes: number;
  read(view: DataView, offset: number): number;
}

const PCM = 0x0001;
const IEEE_FLOAT = 0x0003;
const EXTENSIBLE = 0xfffe;

/** By format tag, then by bits. Eight bits are unsigned, more are signed (Microsoft RIFF, 1991, "WAVE"). */
const SAMPLE_FORMATS: Readonly<Record<number, Readonly<Record<number, SampleFormat>>>> = {
  [PCM]: {
    8: { bytes: 1, read: (view, offset) => (view.getUint8(offset) - 128) / 128 },
    16: { bytes: 2, read: (view, offset) => view.getInt16(offset, true) / 32_768 },
    24: {
      bytes: 3,
      read: (view, offset) =>
        (view.getUint16(offset, true) + view.getInt8(offset + 2) * 65_536) / 8_388_608,
    },
    32: { bytes: 4, read: (view, offset) => view.getInt32(offset, true) / 2_147_483_648 },
  },
  [IEEE_FLOAT]: {
    32: { bytes: 4, read: (view, offset) => view.getFloat32(offset, true) },
    64: { bytes: 8, read: (view, offset) => view.getFloat64(offset, true) },
  },
};

const SUPPORTED = "PCM of 8, 16, 24 or 32 bits and float of 32 or 64 bits are supported";

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
const SUBFORMAT_TAIL = "000000001000800000aa00389b71";

/** Bytes of an extensible format, up to the end of its SubFormat. */
const EXTENSIBLE_BYTES = 40;

/**
 * Reads the header of a RIFF WAVE file. Each size in it is checked against the bytes, so that nothing is allocated for
 * samples that were not sent. The fields that repeat a size or a rate in bytes are not used.
 * @param path its name in messages: `inputs`, `inputs[2]`
 * @throws ApiError `invalid_input` that names what is wrong with the file
 */
export function parseWav(bytes: Uint8Array, path: string): Wav {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const refuse = (problem: string): ApiError =>
    new ApiError("invalid_input", `${path} cannot be read as a WAV file: ${problem}.`);
  checkForm(view, refuse);
  let format: Format | undefined;
  for (let offset = 12; offset + 8 <= view.byteLength; ) {
    const id = fourCharacters(view, offset);
    const size = view.getUint32(offset + 4, true);
    const start = offset + 8;
    const left = view.byteLength - start;
    if (size > left)
      throw refuse(
        `its ${quoted(id)} chunk has ${size} bytes by its header, but ${left} follow; it is truncated, or was written without its length`,
      );
    if (id === "fmt ") {
      if (format) throw refuse('it has two "fmt " chunks');
      format = readFormat(view, start, size, refuse);
    }
    if (id === "data") {
      if (!format) throw refuse('its "data" chunk comes before its "fmt " chunk');
      return samplesOf(new DataView(view.buffer, view.byteOffset + start, size), format, refuse);
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

function checkForm(view: DataView, refuse: Refuse): void {
  if (view.byteLength < 12) throw refuse(`it has ${view.byteLength} bytes, fewer than its header`);
  const container = fourCharacters(view, 0);
  if (container === "RF64" || container === "BW64")
    throw refuse(`${container} files, with sizes of 64 bits, are not supported; send RIFF`);
  if (container === "RIFX") throw refuse("RIFX files, which are big-endian, are not supported");
  const form = fourCharacters(view, 8);
  if (container !== "RIFF" || form !== "WAVE")
    throw refuse(
      `it begins with ${quoted(container)} and ${quoted(form)} instead of "RIFF" and "WAVE"`,
    );
}

function readFormat(view: DataView, start: number, size: number, refuse: Refuse): Format {
  if (size < 16) throw refuse(`its "fmt " chunk has ${size} bytes, fewer than 16`);
  const tag = view.getUint16(start, true);
  const channels = view.getUint16(start + 2, true);
  const sampleRate = view.getUint32(start + 4, true);
  const frameBytes = view.getUint16(start + 12, true);
  const bits = view.getUint16(start + 14, true);
  const codec = tag === EXTENSIBLE ? readSubformat(view, start, size, refuse) : tag;
  const sample = SAMPLE_FORMATS[codec]?.[bits];
  if (!sample) throw refuse(`${codecName(codec, bits)} is not supported; ${SUPPORTED}`);
  if (channels === 0) throw refuse("it has no channels");
  if (sampleRate < MIN_SAMPLE_RATE || sampleRate > MAX_SAMPLE_RATE)
    throw refuse(
      `its rate is ${sampleRate} Hz, outside ${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE} Hz`,
    );
  if (frameBytes !== channels * sample.bytes)
    throw refuse(
      `its block align is ${frameBytes}, but ${channels} channels of ${bits} bits take ${channels * sample.bytes} bytes`,
    );
  return { channels, sampleRate, frameBytes, sample };
}

function readSubformat(view: DataView, start: number, size: number, refuse: Refuse): number {
  if (size < EXTENSIBLE_BYTES)
    throw refuse(`its extensible "fmt " chunk has ${size} bytes, fewer than ${EXTENSIBLE_BYTES}`);
  let tail = "";
  for (let offset = start + 26; offset < start + EXTENSIBLE_BYTES; offset++)
    tail += view.getUint8(offset).toString(16).padStart(2, "0");
  if (tail !== SUBFORMAT_TAIL)
    throw refuse(`its extensible format is of an unknown kind; ${SUPPORTED}`);
  return view.getUint16(start + 24, true);
}

function codecName(codec: number, bits: number): string {
  if (codec === PCM) return `PCM of ${bits} bits`;
  if (codec === IEEE_FLOAT) return `float of ${bits} bits`;
  return `the codec ${codec}${CODECS[codec] ? ` (${CODECS[codec]})` : ""}`;
}

function samplesOf(data: DataView, format: Format, refuse: Refuse): Wav {
  const { channels, sampleRate, frameBytes, sample } = format;
  if (data.byteLength === 0) throw refuse("it has no samples");
  if (data.byteLength % frameBytes !== 0)
    throw refuse(
      `its "data" chunk of ${data.byteLength} bytes is not a whole number of frames of ${frameBytes} bytes`,
    );
  const frames = data.byteLength / frameBytes;
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
