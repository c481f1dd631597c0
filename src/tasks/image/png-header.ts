import type { ByteReader } from "./byte-reader.ts";
import type { ImageHeader } from "./image-header.ts";
import { findOrientation } from "./orientation.ts";
import { crc32 } from "./png-checksum.ts";
import { createPngMetadata } from "./png-metadata.ts";

/** Encoders write a few thousand chunks of data at most; each costs time. */
const MAX_CHUNKS = 65_536;

/** PNG (third edition), sections 5 and 11.2.1. */
export async function readPng(reader: ByteReader): Promise<ImageHeader> {
  if (reader.text(12, 4) !== "IHDR") reader.fail("it does not begin with IHDR");
  const width = reader.u32(16);
  const height = reader.u32(20);
  const bytesPerPixel = PNG_BYTES_PER_PIXEL[reader.u8(25)];
  if (!bytesPerPixel) reader.fail("its colour type is not one of PNG");
  const metadata = createPngMetadata(reader);
  const { file } = reader;
  let chunks = 0;
  for (let offset = 8; ; ) {
    if (offset + 12 > file.length) reader.fail(`it ends after ${file.length} bytes, before IEND`);
    if (++chunks > MAX_CHUNKS) reader.fail(`it has more than ${MAX_CHUNKS} chunks`);
    const name = reader.text(offset + 4, 4);
    const end = offset + 8 + reader.u32(offset);
    if (end + 4 > file.length)
      reader.fail(`it ends after ${file.length} bytes, in the middle of ${name}`);
    if (crc32(file, offset + 4, end) !== reader.u32(end))
      reader.fail(`the checksum of ${name} is wrong`);
    if (name === "IEND") break;
    metadata.add(name, file.subarray(offset + 8, end));
    offset = end + 4;
  }
  const orientation = findOrientation(await metadata.sources());
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
