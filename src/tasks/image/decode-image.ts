import type { Call } from "../../domain/call.ts";
import { ApiError } from "../../domain/errors.ts";
import { clip, MAX_REASON_LENGTH } from "../../shared/quote.ts";
import { CodecError } from "./codec.ts";
import type { CodecStore } from "./codec-store.ts";
import type { ImageHeader } from "./image-header.ts";
import { createRaster, type Raster } from "./raster.ts";
import { FORMAT_NAMES, readImageHeader } from "./read-image-header.ts";

/**
 * Decodes a JPEG, PNG or WebP file and calls `use` with its pixels, four bytes each, with the EXIF orientation applied.
 * They are valid until `use` returns.
 * @param path the name of the file in messages
 * @param checkpoint awaited between two pieces of work. Decoding and `use` are one piece, which the size bounds
 * @throws ApiError `unsupported_media_type` for other files, `invalid_input` for broken or too large ones
 */
export type DecodeImage = <T>(
  file: Uint8Array,
  path: string,
  use: (image: Raster) => T,
  checkpoint: Call["checkpoint"],
) => Promise<T>;

/**
 * Limit of a codec's memory for one image: an isolate has 128 MB, and the model needs some of it. A photograph of 12
 * megapixels fits, as JPEG and as WebP.
 */
const MAX_DECODE_BYTES = 64 * 2 ** 20;

/** Limit of a side: scaling keeps weights for each pixel of it. JPEG and WebP have no longer ones. */
const MAX_SIDE = 65_535;

export function createImageDecoder(codecs: CodecStore): DecodeImage {
  return async (file, path, use, checkpoint) => {
    const header = await readImageHeader(file, path, checkpoint);
    const neededBytes = checkSize(header, file.length, path);
    await header.inspect?.();
    await checkpoint();
    const { format, width, height, orientation, decoded = file } = header;
    // An error of `use` is not one of the file.
    let failure: { error: unknown } | undefined;
    try {
      return await codecs.use(format, neededBytes, (codec) =>
        codec.decode(decoded, (pixels, actualWidth, actualHeight) => {
          if (actualWidth !== width || actualHeight !== height)
            throw new CodecError(
              `its header has ${width} x ${height} pixels, its data ${actualWidth} x ${actualHeight}`,
            );
          try {
            return use(createRaster(pixels, width, height, 4, orientation));
          } catch (error) {
            failure = { error };
            throw error;
          }
        }),
      );
    } catch (cause) {
      if (failure) throw failure.error;
      if (!(cause instanceof CodecError || cause instanceof WebAssembly.RuntimeError)) throw cause;
      const why =
        cause instanceof CodecError && cause.message
          ? `: ${clip(cause.message, MAX_REASON_LENGTH)}`
          : "";
      throw new ApiError(
        "invalid_input",
        `${path} is not a valid ${FORMAT_NAMES[format]} image: it cannot be decoded${why}.`,
        { cause },
      );
    }
  };
}

/** @returns the memory that the codec needs */
function checkSize(header: ImageHeader, fileBytes: number, path: string): number {
  const { format, width, height, bytesPerPixel } = header;
  if (Math.max(width, height) > MAX_SIDE)
    throw new ApiError(
      "invalid_input",
      `${path} is an image of ${width} x ${height} pixels: a side may have ${MAX_SIDE}.`,
      { details: { format, width, height, maxSide: MAX_SIDE } },
    );
  const neededBytes = width * height * bytesPerPixel + fileBytes;
  if (neededBytes <= MAX_DECODE_BYTES) return neededBytes;
  const limit = Math.floor((MAX_DECODE_BYTES - fileBytes) / bytesPerPixel);
  throw new ApiError(
    "invalid_input",
    `${path} is an image of ${width} x ${height} pixels, too many to decode: a ${FORMAT_NAMES[format]} file of this kind may have ${limit.toLocaleString("en")}. Send a smaller one.`,
    { details: { format, width, height, maxPixels: limit } },
  );
}
