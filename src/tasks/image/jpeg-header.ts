import { ApiError } from "../../domain/errors.ts";
import { concatenateBytes } from "../../shared/bytes.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { ImageHeader } from "./image-header.ts";
import { readScans } from "./jpeg-scans.ts";
import { findOrientation, toAsciiText } from "./orientation.ts";

/** Encoders write fewer than a hundred; each costs time. */
const MAX_SEGMENTS = 4096;

const EXIF = bytesOf("Exif\0\0");
const XMP = bytesOf("http://ns.adobe.com/xap/1.0/\0");

/** ITU-T T.81, annex B. Bytes between segments are skipped, as libjpeg does. */
export function readJpeg(reader: ByteReader, path: string): ImageHeader {
  const { file } = reader;
  let frame: Frame | undefined;
  /** EXIF data may continue in further segments; of XMP the last one counts. */
  const exif: Uint8Array[] = [];
  let xmp: Uint8Array | undefined;
  let offset = 2;
  for (let segments = 0; ; segments++) {
    if (segments > MAX_SEGMENTS) reader.fail(`its header has more than ${MAX_SEGMENTS} segments`);
    while (offset < file.length && file[offset] !== 0xff) offset++;
    while (file[offset] === 0xff) offset++;
    const marker = reader.u8(offset++);
    if (marker === 0 || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) continue;
    if (marker === 0xd9 || marker === 0xd8) reader.fail("its header ends without an image");
    const length = reader.u16(offset);
    if (length < 2) reader.fail("one of its segments has no length");
    if (marker === 0xda) break;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) frame ??= readFrame(reader, offset + 2, marker, path);
    if (marker === 0xe1) {
      const segment = file.subarray(offset + 2, offset + length);
      if (startsWith(segment, EXIF)) exif.push(segment.subarray(EXIF.length));
      else if (startsWith(segment, XMP)) xmp = segment.subarray(XMP.length);
    }
    offset += length;
  }
  if (!frame) return reader.fail("its header has no size");
  const orientation = findOrientation({
    exif: exif.length > 0 ? concatenateBytes(exif) : undefined,
    xmp: xmp && toAsciiText(xmp),
  });
  const { width, height, components, samplesPerPixel } = frame;
  const isWhole = !frame.isProgressive && reader.u8(offset + 2) === components;
  // An image of several scans is decoded after the last one: until then its coefficients are kept, two bytes each.
  const coefficientBytes = isWhole ? 0 : 2 * samplesPerPixel;
  if (!isWhole) refuseManyScans(reader, offset, width * height);
  return {
    format: "jpeg",
    width,
    height,
    orientation,
    bytesPerPixel: 4.2 + 1.05 * coefficientBytes,
  };
}

/** Encoders write 3 to 12; small images may have more. */
const MAX_SCANS = 100;
/** The decoder passes over the whole image for each scan: 20 ms for 13 million pixels. */
const MAX_SCANNED_PIXELS = 150_000_000;

function refuseManyScans(reader: ByteReader, offset: number, pixels: number): void {
  const scans = readScans(reader.file, offset);
  const limit = Math.min(MAX_SCANS, Math.max(1, Math.floor(MAX_SCANNED_PIXELS / pixels)));
  if (scans > limit)
    reader.fail(`it has ${scans} scans: ${limit} are allowed, and encoders write fewer than 13`);
}

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly components: number;
  readonly isProgressive: boolean;
  /** Of all components: 1.5 where colours have a quarter of the resolution. */
  readonly samplesPerPixel: number;
}

function readFrame(reader: ByteReader, offset: number, marker: number, path: string): Frame {
  const refuse = (what: string, instead: string): never => {
    throw new ApiError("unsupported_media_type", `${path} is a ${what} JPEG; send ${instead}.`);
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
  return {
    width,
    height,
    components,
    isProgressive: marker === 0xc2,
    samplesPerPixel: samples / (across * down || 1),
  };
}

function startsWith(segment: Uint8Array, bytes: Uint8Array): boolean {
  return bytes.every((byte, at) => segment[at] === byte);
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
