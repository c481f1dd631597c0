import { ApiError } from "../../domain/errors.ts";
import type { ByteReader } from "./byte-reader.ts";
import { readOrientation } from "./exif.ts";
import type { ImageHeader, Orientation } from "./image-header.ts";

const WEBP_BYTES_PER_PIXEL = { lossy: 5, lossyWithAlpha: 8, lossless: 9 } as const;

/** RFC 9649, section 2. The size is that of the frame, which libwebp compares with the canvas. */
export function readWebp(reader: ByteReader, path: string): ImageHeader {
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
    if (name === "EXIF") {
      const start = reader.text(body, 6) === "Exif\0\0" ? body + 6 : body;
      orientation = readOrientation(file.subarray(start, body + length));
    }
    offset = body + length + (length & 1);
  }
  if (!frame) reader.fail("it has no frame");
  return { format: "webp", orientation, ...frame };
}
