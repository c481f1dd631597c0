import type { ByteReader } from "./byte-reader.ts";
import { readOrientation } from "./exif.ts";
import type { ImageHeader, Orientation } from "./image-header.ts";

/** PNG (third edition), sections 11.2.1 and 11.3.3.5. */
export function readPng(reader: ByteReader): ImageHeader {
  if (reader.text(12, 4) !== "IHDR") reader.fail("it does not begin with IHDR");
  const width = reader.u32(16);
  const height = reader.u32(20);
  const bytesPerPixel = PNG_BYTES_PER_PIXEL[reader.u8(25)];
  if (!bytesPerPixel) reader.fail("its colour type is not one of PNG");
  let orientation: Orientation = 1;
  const { file } = reader;
  for (let offset = 8; ; ) {
    if (offset + 12 > file.length) reader.fail(`it ends after ${file.length} bytes, before IEND`);
    const name = reader.text(offset + 4, 4);
    const end = offset + 8 + reader.u32(offset);
    if (end + 4 > file.length)
      reader.fail(`it ends after ${file.length} bytes, in the middle of ${name}`);
    // A decoder that meets a wrong checksum traps, and must be replaced.
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

/** The critical chunks. */
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
