import { ApiError } from "../../domain/errors.ts";
import { type Codec, CodecError } from "./codec.ts";
import { FORMAT_NAMES, type ImageFormat, type ImageHeader, readImageHeader } from "./header.ts";
import { createRaster, type Raster } from "./raster.ts";

/**
 * Decodes a JPEG, PNG or WebP file and gives `use` its pixels, four bytes each, the way the picture is
 * to be seen (its EXIF orientation applied). They are gone when `use` returns.
 * @param place what to call the file in a message
 * @throws ApiError `unsupported_media_type` for other files, `invalid_input` for broken or too large ones
 */
export type DecodeImage = <T>(
  file: Uint8Array,
  place: string,
  use: (picture: Raster) => T,
) => Promise<T>;

/**
 * What a codec's memory may have to hold for one picture: an isolate has 128 MB, and the model wants
 * some of it. A photograph of 12 megapixels fits, as JPEG and as WebP.
 */
const MAX_DECODE_BYTES = 64 * 2 ** 20;
/**
 * What the codecs' memories may be together between two pictures. They never shrink, but a dropped one
 * stays until somebody collects it: a dozen photographs were seen to pile up to a gigabyte.
 */
const MAX_KEPT_BYTES = 80 * 2 ** 20;

interface Kept {
  readonly instance: Promise<Codec>;
  memoryBytes: number;
}

/** @param instantiate makes a codec; each is made when the first file wants it, and kept */
export function createImageDecoder(
  instantiate: (format: ImageFormat) => Promise<Codec>,
): DecodeImage {
  /** The one used last comes last. */
  const codecs = new Map<ImageFormat, Kept>();

  const keep = (format: ImageFormat, kept: Kept, memoryBytes: number): void => {
    kept.memoryBytes = memoryBytes;
    codecs.delete(format);
    codecs.set(format, kept);
    let sum = [...codecs.values()].reduce((total, { memoryBytes }) => total + memoryBytes, 0);
    for (const [oldest, { memoryBytes }] of codecs) {
      if (sum <= MAX_KEPT_BYTES) break;
      codecs.delete(oldest);
      sum -= memoryBytes;
    }
  };

  return async (file, place, use) => {
    const header = readImageHeader(file, place);
    checkSize(header, file.length, place);
    const { format } = header;
    let kept = codecs.get(format);
    if (!kept) {
      kept = { instance: instantiate(format), memoryBytes: 0 };
      codecs.set(format, kept);
    }
    let isIntact = true;
    try {
      const instance = await kept.instance;
      const answer = decode(instance, file, header, place, use);
      keep(format, kept, instance.memoryBytes());
      return answer;
    } catch (error) {
      const { cause = error } = error as Error;
      isIntact = cause instanceof CodecError && cause.instanceIsIntact;
      throw error;
    } finally {
      // Its memory may be in any state: the next picture gets a new instance.
      if (!isIntact && codecs.get(format) === kept) codecs.delete(format);
    }
  };
}

function decode<T>(
  codec: Codec,
  file: Uint8Array,
  { format, width, height, orientation }: ImageHeader,
  place: string,
  use: (picture: Raster) => T,
): T {
  // What `use` throws is no fault of the file.
  let failure: { error: unknown } | undefined;
  try {
    return codec.decode(file, (pixels, actualWidth, actualHeight) => {
      if (actualWidth !== width || actualHeight !== height)
        throw new CodecError(
          `its header says ${width} x ${height} pixels, its data ${actualWidth} x ${actualHeight}`,
        );
      try {
        return use(createRaster(pixels, width, height, 4, orientation));
      } catch (error) {
        failure = { error };
        throw error;
      }
    });
  } catch (cause) {
    if (failure) throw failure.error;
    const why = cause instanceof CodecError && cause.message ? `: ${cause.message}` : "";
    throw new ApiError(
      "invalid_input",
      `${place} is not a whole ${FORMAT_NAMES[format]} picture: its decoder refuses it${why}.`,
      { cause },
    );
  }
}

function checkSize(header: ImageHeader, fileBytes: number, place: string): void {
  const { format, width, height, bytesPerPixel } = header;
  const pixels = width * height;
  if (pixels * bytesPerPixel + fileBytes <= MAX_DECODE_BYTES) return;
  const limit = Math.floor((MAX_DECODE_BYTES - fileBytes) / bytesPerPixel);
  throw new ApiError(
    "invalid_input",
    `${place} is a picture of ${width} x ${height} pixels, too many to decode: a ${FORMAT_NAMES[format]} file of this kind may have ${limit.toLocaleString("en")}. Send a smaller one.`,
    { details: { format, width, height, maxPixels: limit } },
  );
}
