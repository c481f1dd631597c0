import type { Call } from "../../domain/call.ts";
import { concatenateBytes } from "../../shared/bytes.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { ImageHeader } from "./image-header.ts";
import { findOrientation } from "./orientation.ts";
import { crc32 } from "./png-checksum.ts";
import { type PngSize, refuseSurplus } from "./png-data.ts";
import { createPngMetadata } from "./png-metadata.ts";

/** Encoders write a few thousand chunks of data at most; each costs time. */
const MAX_CHUNKS = 65_536;
/** Bytes of checksums between two checkpoints: a few milliseconds. */
const BYTES_PER_STEP = 2 ** 20;

/** Compressed data of no pixels, which the decoder would inflate without a limit of ours. */
const COMPRESSED = ["iCCP", "zTXt", "iTXt"];

/** PNG (third edition), sections 5 and 11.2.1. */
export async function readPng(
  reader: ByteReader,
  _path: string,
  checkpoint: Call["checkpoint"],
): Promise<ImageHeader> {
  if (reader.text(12, 4) !== "IHDR") reader.fail("it does not begin with IHDR");
  const size = readSize(reader);
  const bytesPerPixel = PNG_BYTES_PER_PIXEL[size.colorType];
  if (!bytesPerPixel) reader.fail("its colour type is not one of PNG");
  const metadata = createPngMetadata(reader, checkpoint);
  const { file } = reader;
  const data: Uint8Array[] = [];
  /** The file without compressed chunks, in parts. */
  const kept: Uint8Array[] = [];
  let keptEnd = 0;
  let unchecked = 0;
  for (let offset = 8, chunks = 1; ; chunks++) {
    if (offset + 12 > file.length) reader.fail(`it ends after ${file.length} bytes, before IEND`);
    if (chunks > MAX_CHUNKS) reader.fail(`it has more than ${MAX_CHUNKS} chunks`);
    const name = reader.text(offset + 4, 4);
    const end = offset + 8 + reader.u32(offset);
    if (end + 4 > file.length)
      reader.fail(`it ends after ${file.length} bytes, in the middle of ${name}`);
    let checksum = 0;
    for (let start = offset + 4; start < end; start += BYTES_PER_STEP) {
      const stop = Math.min(end, start + BYTES_PER_STEP);
      checksum = crc32(file, start, stop, checksum);
      unchecked += stop - start;
      if (unchecked < BYTES_PER_STEP) continue;
      unchecked = 0;
      await checkpoint();
    }
    if (checksum !== reader.u32(end)) reader.fail(`the checksum of ${name} is wrong`);
    const body = file.subarray(offset + 8, end);
    if (name === "IDAT") data.push(body);
    if (COMPRESSED.includes(name)) {
      kept.push(file.subarray(keptEnd, offset));
      keptEnd = end + 4;
    }
    metadata.add(name, body);
    if (name === "IEND") break;
    offset = end + 4;
  }
  const orientation = findOrientation(await metadata.sources());
  kept.push(file.subarray(keptEnd));
  const { width, height } = size;
  return {
    format: "png",
    width,
    height,
    orientation,
    bytesPerPixel,
    decoded: concatenateBytes(kept),
    inspect: () => refuseSurplus(data, size, reader, checkpoint),
  };
}

function readSize(reader: ByteReader): PngSize {
  return {
    width: reader.u32(16),
    height: reader.u32(20),
    bitDepth: reader.u8(24),
    colorType: reader.u8(25),
    isInterlaced: reader.u8(28) === 1,
  };
}

/** By colour type: grey, RGB, palette, grey and RGB with alpha. The same for 8 bits and for 16. */
const PNG_BYTES_PER_PIXEL: Readonly<Record<number, number>> = {
  0: 5.3,
  2: 9.3,
  3: 9.3,
  4: 6.3,
  6: 4.3,
};
