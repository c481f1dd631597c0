import { ApiError } from "../../domain/errors.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { ImageHeader } from "./image-header.ts";
import { findOrientation, toAsciiText } from "./orientation.ts";

const WEBP_BYTES_PER_PIXEL = { lossy: 5, lossyWithAlpha: 8, lossless: 9 } as const;

/** Flags of the chunk VP8X. */
const ANIMATION = 0x02;
const XMP = 0x04;
const EXIF = 0x08;

/** Encoders write fewer than ten chunks; each costs time. */
const MAX_CHUNKS = 4096;

/**
 * RFC 9649, section 2. The size is that of the frame, which libwebp compares with the canvas; metadata are those that the flags
 * announce, the first of their kind, as libwebp reads them.
 */
export function readWebp(reader: ByteReader, path: string): ImageHeader {
  const { file } = reader;
  let flags = 0;
  let exif: Uint8Array | undefined;
  let xmp: Uint8Array | undefined;
  let frame: { width: number; height: number; bytesPerPixel: number } | undefined;
  let lossyBytes: number = WEBP_BYTES_PER_PIXEL.lossy;
  let chunks = 0;
  const fileEnd = Math.min(file.length, 8 + reader.u32(4, true));
  for (let offset = 12; offset + 8 <= fileEnd; ) {
    if (++chunks > MAX_CHUNKS) reader.fail(`it has more than ${MAX_CHUNKS} chunks`);
    const name = reader.text(offset, 4);
    const length = reader.u32(offset + 4, true);
    const body = offset + 8;
    if (name === "VP8X" && offset === 12) flags = reader.u8(body);
    if (flags & ANIMATION)
      throw new ApiError(
        "unsupported_media_type",
        `${path} is an animated WebP image; send a single frame.`,
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
    if (name === "EXIF" && flags & EXIF) exif ??= file.subarray(body, body + length);
    if (name === "XMP " && flags & XMP) xmp ??= file.subarray(body, body + length);
    offset = body + length + (length & 1);
  }
  if (!frame) reader.fail("it has no frame");
  const orientation = findOrientation({ exif, xmp: xmp && toAsciiText(xmp) });
  return { format: "webp", orientation, ...frame };
}
