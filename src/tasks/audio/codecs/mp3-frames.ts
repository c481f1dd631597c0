import type { Refuse } from "../compressed-audio.ts";

/** The frames of an MP3 file, one after the other from `start` to `end`. */
export interface Mp3Frames {
  readonly start: number;
  readonly end: number;
  readonly sampleRate: number;
  readonly channels: number;
  /** Samples of one channel, without the delay and the padding of the encoder where the file tells them. */
  readonly frames: number;
}

interface Header {
  readonly bytes: number;
  readonly samples: number;
  readonly sampleRate: number;
  readonly channels: number;
  readonly isMpeg1: boolean;
}

/** kbit/s of Layer III, by the index in the header (ISO/IEC 11172-3, 13818-3). */
const BIT_RATES = {
  1: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  2: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
} as const;
const SAMPLE_RATES = [44_100, 48_000, 32_000];

/** The first frame is looked for in the bytes after a tag. */
const MAX_SEARCH = 65_536;

/** Whether a file begins with a tag or with two frames, one after the other. */
export function isMp3(bytes: Uint8Array): boolean {
  const first = readHeader(bytes, 0);
  if (first) return readHeader(bytes, first.bytes) !== undefined || first.bytes >= bytes.length;
  return text(bytes, 0, 3) === "ID3";
}

/** @throws ApiError of `refuse` for a file that is truncated, or damaged between two frames */
export function readMp3Frames(bytes: Uint8Array, refuse: Refuse): Mp3Frames {
  const start = findFirst(bytes, refuse);
  const first = readHeader(bytes, start) as Header;
  let [frames, offset] = [0, start];
  while (offset < bytes.length) {
    const header = readHeader(bytes, offset);
    if (!header) {
      if (isEnd(bytes, offset)) break;
      throw refuse(`there is no frame at its byte ${offset}; it is damaged`);
    }
    if (header.sampleRate !== first.sampleRate || header.channels !== first.channels)
      throw refuse(`its rate or its channels change at byte ${offset}, which is not supported`);
    if (offset + header.bytes > bytes.length)
      throw refuse("it ends within a frame; it is truncated");
    frames += 1;
    offset += header.bytes;
  }
  const info = readInfo(bytes, start, first);
  const audio = frames - (info ? 1 : 0);
  if (info?.frames !== undefined && info.frames > audio)
    throw refuse(`it has ${audio} of the ${info.frames} frames that it tells of; it is truncated`);
  const cut = (info?.delay ?? 0) + (info?.padding ?? 0);
  return {
    start,
    end: offset,
    sampleRate: first.sampleRate,
    channels: first.channels,
    frames: Math.max(0, audio * first.samples - cut),
  };
}

function findFirst(bytes: Uint8Array, refuse: Refuse): number {
  let tag = 0;
  while (text(bytes, tag, 3) === "ID3" && tag + 10 <= bytes.length) {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(tag + 6, tag + 10);
    const hasFooter = ((bytes[tag + 5] as number) & 0x10) !== 0;
    tag += 10 + ((a << 21) | (b << 14) | (c << 7) | d) + (hasFooter ? 10 : 0);
  }
  for (let at = tag; at < Math.min(bytes.length, tag + MAX_SEARCH); at++) {
    const header = readHeader(bytes, at);
    if (!header) continue;
    const next = at + header.bytes;
    if (readHeader(bytes, next) || isEnd(bytes, next)) return at;
  }
  throw refuse("it has no frame of MPEG Layer III");
}

function readHeader(bytes: Uint8Array, at: number): Header | undefined {
  const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(at, at + 4);
  // Layer III, of MPEG 1, 2 or 2.5.
  const version = (b >> 3) & 3;
  if (a !== 0xff || (b & 0xe6) !== 0xe2 || version === 1) return undefined;
  const isMpeg1 = version === 3;
  const bitRate = BIT_RATES[isMpeg1 ? 1 : 2][c >> 4];
  const rate = SAMPLE_RATES[(c >> 2) & 3];
  if (!bitRate || !rate) return undefined;
  const sampleRate = rate / (isMpeg1 ? 1 : version === 2 ? 2 : 4);
  const samples = isMpeg1 ? 1152 : 576;
  const padding = (c >> 1) & 1;
  return {
    bytes: Math.floor(((samples / 8) * bitRate * 1000) / sampleRate) + padding,
    samples,
    sampleRate,
    channels: d >> 6 === 3 ? 1 : 2,
    isMpeg1,
  };
}

interface Info {
  readonly frames: number | undefined;
  readonly delay: number;
  readonly padding: number;
}

/** What encoders write into a first frame without sound: Xing's header, and LAME's delay and padding in it. */
function readInfo(
  bytes: Uint8Array,
  start: number,
  { isMpeg1, channels }: Header,
): Info | undefined {
  const side = isMpeg1 ? (channels === 1 ? 17 : 32) : channels === 1 ? 9 : 17;
  const at = start + 4 + side;
  if (!["Xing", "Info"].includes(text(bytes, at, 4)))
    return text(bytes, start + 36, 4) === "VBRI"
      ? { frames: undefined, delay: 0, padding: 0 }
      : undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint32(at + 4);
  const frames = (flags & 1) !== 0 ? view.getUint32(at + 8) : undefined;
  const lame =
    at +
    8 +
    (flags & 1 ? 4 : 0) +
    (flags & 2 ? 4 : 0) +
    (flags & 4 ? 100 : 0) +
    (flags & 8 ? 4 : 0);
  const [a = 0, b = 0, c = 0] = bytes.subarray(lame + 21, lame + 24);
  const hasLame = /^(LAME|Lavf|Lavc|L3\.99)/.test(text(bytes, lame, 9));
  return {
    frames,
    delay: hasLame ? (a << 4) | (b >> 4) : 0,
    padding: hasLame ? ((b & 15) << 8) | c : 0,
  };
}

/** The end of the file, or a tag or zeros that follow its sound. */
function isEnd(bytes: Uint8Array, at: number): boolean {
  if (at >= bytes.length) return at === bytes.length;
  if (text(bytes, at, 3) === "TAG" || text(bytes, at, 8) === "APETAGEX") return true;
  return text(bytes, at, 3) === "ID3" || bytes.subarray(at).every((byte) => byte === 0);
}

function text(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}
