import type { Refuse } from "../compressed-audio.ts";

/** The stream of a FLAC file (RFC 9639). */
export interface FlacFrames {
  readonly sampleRate: number;
  readonly channels: number;
  /** Samples of one channel. */
  readonly frames: number;
  readonly data: readonly Uint8Array[];
}

const MARKER = 0x664c_6143;

/** @throws ApiError of `refuse` for a file that is truncated, or with a frame whose checksum is wrong */
export function readFlacFrames(bytes: Uint8Array, refuse: Refuse): FlacFrames {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 42 || view.getUint32(0) !== MARKER || ((bytes[4] as number) & 127) !== 0)
    throw refuse("it has no stream information; it is damaged");
  const packed = view.getBigUint64(18);
  const sampleRate = Number(packed >> 44n);
  const channels = Number((packed >> 41n) & 7n) + 1;
  const told = Number(packed & 0xf_ffff_ffffn);
  let at = 4;
  for (let last = false; !last; ) {
    if (at + 4 > bytes.length) throw refuse("it ends within its metadata; it is truncated");
    last = ((bytes[at] as number) & 128) !== 0;
    at += 4 + (view.getUint32(at) & 0xff_ffff);
  }
  if (at >= bytes.length) throw refuse("it has no frames; it is truncated");
  const data: Uint8Array[] = [];
  let samples = 0;
  while (at < bytes.length) {
    const header = readHeader(bytes, at);
    if (!header) {
      if (isTag(bytes, at)) break;
      throw refuse(`there is no frame at its byte ${at}; it is damaged`);
    }
    const end = endOf(bytes, at);
    if (end === undefined) throw refuse(`its frame ${data.length} is not whole, or damaged`);
    data.push(bytes.subarray(at, end));
    samples += header.samples;
    at = end;
  }
  if (told > samples)
    throw refuse(`it has ${samples} of the ${told} samples that it tells of; it is truncated`);
  return { sampleRate, channels, frames: told || samples, data };
}

/** Where a frame ends: before the next header, or the end of the file, with the right checksum before it. */
function endOf(bytes: Uint8Array, start: number): number | undefined {
  let crc = 0;
  for (let at = start; at < bytes.length; at++) {
    // The checksum of a frame with its own checksum is 0.
    if (crc === 0 && at > start + 6 && (readHeader(bytes, at) || isTag(bytes, at))) return at;
    crc = ((crc << 8) & 0xffff) ^ (CRC16[(crc >> 8) ^ (bytes[at] as number)] as number);
  }
  return crc === 0 ? bytes.length : undefined;
}

function isTag(bytes: Uint8Array, at: number): boolean {
  return String.fromCharCode(...bytes.subarray(at, at + 3)) === "TAG";
}

interface Header {
  readonly samples: number;
}

function readHeader(bytes: Uint8Array, at: number): Header | undefined {
  if (bytes[at] !== 0xff || ((bytes[at + 1] ?? 0) & 0xfe) !== 0xf8) return undefined;
  const size = (bytes[at + 2] ?? 0) >> 4;
  const rate = (bytes[at + 2] ?? 0) & 15;
  if (size === 0 || rate === 15 || ((bytes[at + 3] ?? 0) & 1) !== 0) return undefined;
  const lead = bytes[at + 4] ?? 0;
  const ones = Math.clz32(~(lead << 24));
  if (ones === 1 || ones > 7) return undefined;
  let end = at + 4 + Math.max(1, ones);
  let samples = size === 1 ? 192 : size < 6 ? 576 << (size - 2) : 256 << (size - 8);
  if (size === 6) samples = (bytes[end++] ?? 0) + 1;
  if (size === 7) {
    samples = (((bytes[end] ?? 0) << 8) | (bytes[end + 1] ?? 0)) + 1;
    end += 2;
  }
  if (rate === 12) end += 1;
  if (rate === 13 || rate === 14) end += 2;
  if (end >= bytes.length) return undefined;
  let crc = 0;
  for (let index = at; index < end; index++) crc = CRC8[crc ^ (bytes[index] as number)] as number;
  return crc === bytes[end] ? { samples } : undefined;
}

const CRC8 = Uint8Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc & 0x80 ? 0x107 : 0);
  return crc;
});

const CRC16 = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc & 0x8000 ? 0x1_8005 : 0);
  return crc;
});
