import { ApiError } from "../../domain/errors.ts";
import type { ByteReader } from "./byte-reader.ts";
import { readOrientation } from "./exif.ts";
import type { ImageHeader, Orientation } from "./image-header.ts";

/** ITU-T T.81, annex B. Bytes between segments are skipped, as libjpeg does. */
export function readJpeg(reader: ByteReader, path: string): ImageHeader {
  let orientation: Orientation = 1;
  let seenExif = false;
  let offset = 2;
  for (;;) {
    while (reader.u8(offset) !== 0xff) offset++;
    while (reader.u8(offset) === 0xff) offset++;
    const marker = reader.u8(offset++);
    if (marker === 0 || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) continue;
    if (marker === 0xd9 || marker === 0xda || marker === 0xd8)
      reader.fail("its header has no size");
    const length = reader.u16(offset);
    if (length < 2) reader.fail("one of its segments has no length");
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { ...readFrame(reader, offset + 2, marker, path), orientation };
    if (marker === 0xe1 && !seenExif && reader.text(offset + 2, 6) === "Exif\0\0") {
      seenExif = true;
      orientation = readOrientation(reader.file.subarray(offset + 8, offset + length));
    }
    offset += length;
  }
}

/** The decoder passes over the whole image for each scan: 20 ms for 13 million pixels. */
const MAX_SCANS = 100;

/** Coded data has 0xff before markers only; segments may have it elsewhere, which counts too many rather than too few. */
function countScans(data: Uint8Array): number {
  let scans = 0;
  for (let at = data.indexOf(0xff); at >= 0; at = data.indexOf(0xff, at + 1))
    if (data[at + 1] === 0xda) scans++;
  return scans;
}

function readFrame(
  reader: ByteReader,
  offset: number,
  marker: number,
  path: string,
): Omit<ImageHeader, "orientation"> {
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
  if (marker === 0xc2) {
    const scans = countScans(reader.file.subarray(offset));
    if (scans > MAX_SCANS)
      reader.fail(
        `it has ${scans} scans: ${MAX_SCANS} are allowed, and encoders write fewer than 20`,
      );
  }
  // A progressive image is decoded after its last scan: until then its coefficients are kept, two bytes each.
  const coefficientBytes = marker === 0xc2 ? (2 * samples) / (across * down || 1) : 0;
  return { format: "jpeg", width, height, bytesPerPixel: 4.2 + 1.05 * coefficientBytes };
}
