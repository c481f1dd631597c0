import { decodeBase64 } from "../../shared/base64.ts";
import { Media } from "../media.ts";

/** The sizes of pictures and recordings by their headers, for statistics: what cannot be read at once has none. */

export interface FileSize {
  readonly bytes: number;
}

export interface ImageSize extends FileSize {
  /** In pixels, before an orientation is applied. */
  readonly width?: number;
  readonly height?: number;
}

export interface AudioSize extends FileSize {
  readonly seconds?: number;
}

/** The beginning of a file, and its whole length. */
interface FileStart {
  readonly view: DataView;
  readonly bytes: number;
}

/** Characters of base64 that are decoded: most headers are within the first ones, and those of photographs within the others. */
const SHORT = 4096;
const LONG = 131_072;
/** Segments or chunks before the one that is looked for: files have some hundreds at most, and one made to have millions would take long. */
const MAX_SEGMENTS = 1000;

/** The files of a request: one, or a list, as bodies, base64 or data URLs. */
export function* filesOf(inputs: unknown): Generator<Media | string> {
  for (const file of Array.isArray(inputs) ? inputs : [inputs])
    if (file instanceof Media || typeof file === "string") yield file;
}

export function imageSize(file: Media | string): ImageSize {
  const start = startOf(file, SHORT);
  const size = start && pixelsOf(start.view);
  if (size || !start || typeof file !== "string") return { bytes: start?.bytes ?? 0, ...size };
  const more = startOf(file, LONG);
  return { bytes: start.bytes, ...(more && pixelsOf(more.view)) };
}

export function audioSize(file: Media | string): AudioSize {
  const start = startOf(file, SHORT);
  if (!start) return { bytes: 0 };
  const seconds = secondsOf(start);
  return { bytes: start.bytes, ...(seconds !== undefined && { seconds }) };
}

function startOf(file: Media | string, characters: number): FileStart | undefined {
  if (file instanceof Media) {
    const { buffer, byteOffset, byteLength } = file.bytes;
    return { view: new DataView(buffer, byteOffset, byteLength), bytes: byteLength };
  }
  const from = /^\s*data:/i.test(file.slice(0, 64)) ? file.indexOf(",") + 1 : 0;
  const text = file.slice(from, from + characters);
  // Whole groups of four characters, unless it is all.
  const decoded = decodeBase64(
    text.length < characters ? text : text.slice(0, text.length - (text.length % 4)),
  );
  if (!decoded) return undefined;
  const bytes =
    text.length < characters ? decoded.length : Math.floor(((file.length - from) * 3) / 4);
  return { view: new DataView(decoded.buffer, 0, decoded.length), bytes };
}

type Pixels = { readonly width: number; readonly height: number };

function pixelsOf(view: DataView): Pixels | undefined {
  if (view.byteLength < 30) return undefined;
  if (view.getUint32(0) === 0x89504e47)
    return { width: view.getUint32(16), height: view.getUint32(20) };
  if (view.getUint16(0) === 0xffd8) return jpegPixels(view);
  if (view.getUint32(0) === 0x52494646 && view.getUint32(8) === 0x57454250) return webpPixels(view);
  return undefined;
}

/** Of the first frame header. Source: ITU T.81, annex B. */
function jpegPixels(view: DataView): Pixels | undefined {
  for (let at = 2, seen = 0; at + 9 < view.byteLength && seen < MAX_SEGMENTS; seen++) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    const isAlone = marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);
    at += isAlone ? 2 : 2 + view.getUint16(at + 2);
  }
  return undefined;
}

/** Source: RFC 9649. */
function webpPixels(view: DataView): Pixels | undefined {
  switch (view.getUint32(12)) {
    case 0x56503820: // "VP8 "
      return {
        width: view.getUint16(26, true) & 0x3fff,
        height: view.getUint16(28, true) & 0x3fff,
      };
    case 0x5650384c: {
      // "VP8L"
      const bits = view.getUint32(21, true);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case 0x56503858: // "VP8X"
      return { width: 1 + uint24(view, 24), height: 1 + uint24(view, 27) };
    default:
      return undefined;
  }
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
}

/** Of the samples after the headers of a RIFF WAVE file, by its rate in bytes. */
function secondsOf({ view, bytes }: FileStart): number | undefined {
  if (view.byteLength < 44 || view.getUint32(8) !== 0x57415645) return undefined;
  const little = view.getUint8(3) !== 0x58; // RIFX
  let bytesPerSecond = 0;
  for (let at = 12, seen = 0; at + 8 <= view.byteLength && seen < MAX_SEGMENTS; seen++) {
    const id = view.getUint32(at);
    const size = view.getUint32(at + 4, little);
    if (id === 0x666d7420 && at + 24 <= view.byteLength) {
      const channels = view.getUint16(at + 10, little);
      const rate = view.getUint32(at + 12, little);
      bytesPerSecond = (channels * rate * view.getUint16(at + 22, little)) / 8;
    }
    if (id === 0x64617461)
      return bytesPerSecond > 0
        ? Math.min(size || bytes, bytes - at - 8) / bytesPerSecond
        : undefined;
    at += 8 + size + (size % 2);
  }
  return undefined;
}
