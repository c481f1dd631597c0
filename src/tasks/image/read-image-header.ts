import type { Call } from "../../domain/call.ts";
import { ApiError } from "../../domain/errors.ts";
import { describeBytes } from "../../domain/recognize-media.ts";
import { ByteReader } from "./byte-reader.ts";
import type { ImageFormat, ImageHeader } from "./image-header.ts";
import { readJpeg } from "./jpeg-header.ts";
import { readPng } from "./png-header.ts";
import { readWebp } from "./webp-header.ts";

/**
 * Reads the fields of the header by which the decoders allocate memory.
 * @param path the name of the file in messages, such as `inputs[0]`
 * @param checkpoint awaited between two pieces of work
 * @throws ApiError `unsupported_media_type` for another format or an animation, `invalid_input` for a
 * file that is truncated or contradicts itself
 */
export async function readImageHeader(
  file: Uint8Array,
  path: string,
  checkpoint: Call["checkpoint"],
): Promise<ImageHeader> {
  const format = imageFormat(file);
  if (!format)
    throw new ApiError(
      "unsupported_media_type",
      `${path} must be a JPEG, PNG or WebP image; got ${describeBytes(file)}.`,
      { details: { valid: ["image/jpeg", "image/png", "image/webp"] } },
    );
  const reader = new ByteReader(file, `${path} is not a valid ${FORMAT_NAMES[format]} image`);
  const header = await READERS[format](reader, path, checkpoint);
  if (header.width === 0 || header.height === 0)
    throw new ApiError(
      "invalid_input",
      `${path} is an image of ${header.width} x ${header.height} pixels.`,
    );
  return header;
}

export const FORMAT_NAMES: Record<ImageFormat, string> = { jpeg: "JPEG", png: "PNG", webp: "WebP" };

type ReadHeader = (
  reader: ByteReader,
  path: string,
  checkpoint: Call["checkpoint"],
) => ImageHeader | Promise<ImageHeader>;

const READERS: Record<ImageFormat, ReadHeader> = {
  jpeg: readJpeg,
  png: readPng,
  webp: readWebp,
};

/** By the first bytes, whatever the content type is. */
export function imageFormat(file: Uint8Array): ImageFormat | undefined {
  if (startsWith(file, 0, [0xff, 0xd8, 0xff])) return "jpeg";
  if (startsWith(file, 0, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return "png";
  if (startsWith(file, 0, [...ascii("RIFF")]) && startsWith(file, 8, [...ascii("WEBP")]))
    return "webp";
  return undefined;
}

function startsWith(file: Uint8Array, offset: number, bytes: readonly number[]): boolean {
  return bytes.every((byte, index) => file[offset + index] === byte);
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
