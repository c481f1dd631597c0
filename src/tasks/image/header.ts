import { ApiError } from "../../domain/errors.ts";

export type ImageFormat = "jpeg" | "png" | "webp";

/** How a picture is to be turned and mirrored to be seen upright: 1 to 8, as EXIF numbers the ways. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** What the header of a file says, before anything is decoded. */
export interface ImageHeader {
  readonly format: ImageFormat;
  /** In pixels, as stored: before the orientation is applied. */
  readonly width: number;
  readonly height: number;
  readonly orientation: Orientation;
  /** What the codec's memory will have to hold of one pixel, at most. Measured, see docs/tasks.md. */
  readonly bytesPerPixel: number;
}

/**
 * Reads the header the way that the decoders do: what stands there is what they would allocate.
 * @param place what to call the file in a message, such as `inputs[0]`
 * @throws ApiError `unsupported_media_type` for another format or an animation, `invalid_input` for a
 * file that ends too early or contradicts itself
 */
export function readImageHeader(file: Uint8Array, place: string): ImageHeader {
  const format = imageFormat(file);
  if (!format)
    throw new ApiError(
      "unsupported_media_type",
      `${place} must be a JPEG, PNG or WebP picture; got ${describeBytes(file)}.`,
      { details: { valid: ["image/jpeg", "image/png", "image/webp"] } },
    );
  const reader = new Reader(file, `${place} is not a whole ${FORMAT_NAMES[format]} picture`);
  const header = READERS[format](reader, place);
  if (header.width === 0 || header.height === 0)
    throw new ApiError(
      "invalid_input",
      `${place} is a picture of ${header.width} x ${header.height} pixels.`,
    );
  return header;
}

export const FORMAT_NAMES: Record<ImageFormat, string> = { jpeg: "JPEG", png: "PNG", webp: "WebP" };

const READERS: Record<ImageFormat, (reader: Reader, place: string) => ImageHeader> = {
  jpeg: readJpeg,
  png: readPng,
  webp: readWebp,
};

/** By the first bytes, whatever the content type said. */
export function imageFormat(file: Uint8Array): ImageFormat | undefined {
  if (startsWith(file, 0, [0xff, 0xd8, 0xff])) return "jpeg";
  if (startsWith(file, 0, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return "png";
  if (startsWith(file, 0, [...ascii("RIFF")]) && startsWith(file, 8, [...ascii("WEBP")]))
    return "webp";
  return undefined;
}

/** Big-endian and little-endian numbers of a file, with its end in mind. */
class Reader {
  readonly file: Uint8Array;
  readonly #view: DataView;
  readonly #problem: string;

  constructor(file: Uint8Array, problem: string) {
    this.file = file;
    this.#view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    this.#problem = problem;
  }

  fail(why: string): never {
    throw new ApiError("invalid_input", `${this.#problem}: ${why}.`);
  }

  u8(offset: number): number {
    return this.#at(offset, 1).getUint8(offset);
  }

  u16(offset: number, littleEndian = false): number {
    return this.#at(offset, 2).getUint16(offset, littleEndian);
  }

  u24(offset: number): number {
    return this.u16(offset, true) | (this.u8(offset + 2) << 16);
  }

  u32(offset: number, littleEndian = false): number {
    return this.#at(offset, 4).getUint32(offset, littleEndian);
  }

  text(offset: number, length: number): string {
    return String.fromCharCode(...this.file.subarray(offset, offset + length));
  }

  #at(offset: number, bytes: number): DataView {
    if (offset + bytes > this.file.length)
      this.fail(`it ends after ${this.file.length} bytes, in the middle of its header`);
    return this.#view;
  }
}

/** ITU-T T.81, annex B. Bytes between segments are passed over, as libjpeg does. */
function readJpeg(reader: Reader, place: string): ImageHeader {
  let orientation: Orientation = 1;
  let seenExif = false;
  let offset = 2;
  for (;;) {
    while (reader.u8(offset) !== 0xff) offset++;
    while (reader.u8(offset) === 0xff) offset++;
    const marker = reader.u8(offset++);
    if (marker === 0 || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) continue;
    if (marker === 0xd9 || marker === 0xda || marker === 0xd8)
      reader.fail("its header does not say how large it is");
    const length = reader.u16(offset);
    if (length < 2) reader.fail("one of its segments has no length");
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { ...readFrame(reader, offset + 2, marker, place), orientation };
    if (marker === 0xe1 && !seenExif && reader.text(offset + 2, 6) === "Exif\0\0") {
      seenExif = true;
      orientation = readOrientation(reader.file.subarray(offset + 8, offset + length));
    }
    offset += length;
  }
}

/** Each goes over the whole picture, however short it is: 20 ms for 13 million pixels. */
const MAX_SCANS = 100;

/** In coded data 0xff stands before a marker only, so this counts too many rather than too few. */
function countScans(data: Uint8Array): number {
  let scans = 0;
  for (let at = data.indexOf(0xff); at >= 0; at = data.indexOf(0xff, at + 1))
    if (data[at + 1] === 0xda) scans++;
  return scans;
}

function readFrame(
  reader: Reader,
  offset: number,
  marker: number,
  place: string,
): Omit<ImageHeader, "orientation"> {
  const refuse = (what: string, instead: string): never => {
    throw new ApiError("unsupported_media_type", `${place} is a ${what} JPEG; send ${instead}.`);
  };
  if (![0xc0, 0xc1, 0xc2].includes(marker))
    refuse("lossless, hierarchical or arithmetic-coded", "a baseline or progressive one");
  const bits = reader.u8(offset);
  if (bits !== 8) refuse(`${bits}-bit`, "one of 8 bits per sample");
  const height = reader.u16(offset + 1);
  const width = reader.u16(offset + 3);
  const components = reader.u8(offset + 5);
  if (components === 4) refuse("CMYK", "an RGB or grey one");
  if (components !== 1 && components !== 3)
    reader.fail(`it has ${components} colour components instead of 1 or 3`);
  const factors = Array.from({ length: components }, (_, index) => {
    const factor = reader.u8(offset + 7 + 3 * index);
    return { across: factor >> 4, down: factor & 15 };
  });
  const across = Math.max(...factors.map((factor) => factor.across));
  const down = Math.max(...factors.map((factor) => factor.down));
  const samples = factors.reduce((sum, factor) => sum + factor.across * factor.down, 0);
  if (marker === 0xc2) {
    const scans = countScans(reader.file.subarray(offset));
    if (scans > MAX_SCANS)
      reader.fail(
        `it has ${scans} scans, and no encoder writes more than a few: ${MAX_SCANS} at most`,
      );
  }
  // Of a progressive picture every coefficient waits for the last scan, in two bytes each.
  const waiting = marker === 0xc2 ? (2 * samples) / (across * down || 1) : 0;
  return { format: "jpeg", width, height, bytesPerPixel: 4.2 + 1.05 * waiting };
}

/** PNG (third edition), sections 11.2.1 and 11.3.3.5. */
function readPng(reader: Reader): ImageHeader {
  if (reader.text(12, 4) !== "IHDR") reader.fail("it does not begin with IHDR");
  const width = reader.u32(16);
  const height = reader.u32(20);
  const bytesPerPixel = PNG_BYTES_PER_PIXEL[reader.u8(25)];
  if (!bytesPerPixel) reader.fail("its colour type does not exist");
  let orientation: Orientation = 1;
  const { file } = reader;
  for (let offset = 8; ; ) {
    if (offset + 12 > file.length) reader.fail(`it ends after ${file.length} bytes, before IEND`);
    const name = reader.text(offset + 4, 4);
    const end = offset + 8 + reader.u32(offset);
    if (end + 4 > file.length)
      reader.fail(`it ends after ${file.length} bytes, in the middle of ${name}`);
    // What is broken on the way is found here, and costs no instance of the decoder.
    if (CRITICAL.has(name) && crc32(file, offset + 4, end) !== reader.u32(end))
      reader.fail(`the checksum of ${name} is wrong`);
    if (name === "eXIf") orientation = readOrientation(file.subarray(offset + 8, end));
    if (name === "IEND") break;
    offset = end + 4;
  }
  return { format: "png", width, height, orientation, bytesPerPixel };
}

/** By colour type: grey, RGB, palette, grey and RGB with alpha. The same for 8 bits and for 16. */
const PNG_BYTES_PER_PIXEL: Readonly<Record<number, number>> = {
  0: 5.3,
  2: 9.3,
  3: 9.3,
  4: 6.3,
  6: 4.3,
};

/** The chunks that a picture is made of. */
const CRITICAL = new Set(["IHDR", "PLTE", "IDAT", "IEND"]);

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** PNG (third edition), annex D. */
function crc32(data: Uint8Array, start: number, end: number): number {
  let crc = 0xffffffff;
  for (let at = start; at < end; at++)
    crc = (CRC_TABLE[(crc ^ (data[at] as number)) & 0xff] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}

const WEBP_BYTES_PER_PIXEL = { lossy: 5, lossyWithAlpha: 8, lossless: 9 } as const;

/** RFC 9649, section 2. The size is that of the frame, which libwebp compares with the canvas. */
function readWebp(reader: Reader, place: string): ImageHeader {
  const { file } = reader;
  let orientation: Orientation = 1;
  let frame: { width: number; height: number; bytesPerPixel: number } | undefined;
  let lossyBytes: number = WEBP_BYTES_PER_PIXEL.lossy;
  for (let offset = 12; offset + 8 <= file.length; ) {
    const name = reader.text(offset, 4);
    const length = reader.u32(offset + 4, true);
    const body = offset + 8;
    if (name === "VP8X" && reader.u8(body) & 2)
      throw new ApiError(
        "unsupported_media_type",
        `${place} is an animated WebP picture; send one of its frames.`,
      );
    if (name === "ALPH") lossyBytes = WEBP_BYTES_PER_PIXEL.lossyWithAlpha;
    if (name === "VP8 " && !frame) {
      if (reader.u24(body + 3) !== 0x2a019d) reader.fail("its frame has no start code");
      const size = (at: number): number => reader.u16(body + at, true) & 0x3fff;
      frame = { width: size(6), height: size(8), bytesPerPixel: lossyBytes };
    }
    if (name === "VP8L" && !frame) {
      if (reader.u8(body) !== 0x2f) reader.fail("its frame has no signature");
      const packed = reader.u32(body + 1, true);
      const size = (bits: number): number => ((packed >>> bits) & 0x3fff) + 1;
      frame = { width: size(0), height: size(14), bytesPerPixel: WEBP_BYTES_PER_PIXEL.lossless };
    }
    if (name === "EXIF") {
      const start = reader.text(body, 6) === "Exif\0\0" ? body + 6 : body;
      orientation = readOrientation(file.subarray(start, body + length));
    }
    offset = body + length + (length & 1);
  }
  if (!frame) reader.fail("it has no frame");
  return { format: "webp", orientation, ...frame };
}

const ORIENTATION_TAG = 0x0112;
const SHORT = 3;

/** From EXIF data (a TIFF header with its first directory); upright where they are not as they should be. */
function readOrientation(exif: Uint8Array): Orientation {
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  if (exif.length < 14) return 1;
  const order = view.getUint16(0);
  if (order !== 0x4949 && order !== 0x4d4d) return 1;
  const little = order === 0x4949;
  const directory = view.getUint32(4, little);
  if (directory + 2 > exif.length) return 1;
  const entries = view.getUint16(directory, little);
  for (let entry = 0; entry < entries; entry++) {
    const offset = directory + 2 + 12 * entry;
    if (offset + 12 > exif.length) return 1;
    if (view.getUint16(offset, little) !== ORIENTATION_TAG) continue;
    const value = view.getUint16(offset + 8, little);
    const valid = view.getUint16(offset + 2, little) === SHORT && value >= 1 && value <= 8;
    return valid ? (value as Orientation) : 1;
  }
  return 1;
}

const SIGNATURES: readonly (readonly [string, number, readonly number[]])[] = [
  ["a GIF picture", 0, [...ascii("GIF8")]],
  ["a BMP picture", 0, [...ascii("BM")]],
  ["a TIFF picture", 0, [0x49, 0x49, 0x2a, 0x00]],
  ["a TIFF picture", 0, [0x4d, 0x4d, 0x00, 0x2a]],
  ["an AVIF picture", 4, [...ascii("ftypavi")]],
  ["a HEIC picture", 4, [...ascii("ftyphei")]],
  ["a HEIC picture", 4, [...ascii("ftypmif1")]],
  ["a JPEG XL picture", 0, [0xff, 0x0a]],
  ["a PDF document", 0, [...ascii("%PDF")]],
];

function describeBytes(file: Uint8Array): string {
  if (file.length === 0) return "no bytes";
  const known = SIGNATURES.find(([, offset, bytes]) => startsWith(file, offset, bytes));
  if (known) return known[0];
  const start = [...file.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0"));
  return `${file.length} bytes that begin with ${start.join(" ")}`;
}

function startsWith(file: Uint8Array, offset: number, bytes: readonly number[]): boolean {
  return bytes.every((byte, index) => file[offset + index] === byte);
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
