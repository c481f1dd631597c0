import { ApiError } from "../domain/errors.ts";
import { Media, mediaType } from "../domain/media.ts";
import { describe } from "../domain/tensor-json.ts";
import { clip } from "../shared/quote.ts";

/** The files that a task takes. */
export interface FileKind {
  /** For messages: `an image: base64 of a JPEG, PNG or WebP file, or a data URL of it`. */
  readonly expected: string;
  /** The media types that a data URL may have; any when left out. */
  readonly mediaTypes?: readonly string[];
}

const DATA_URL = /^data:(?<type>[^,;]*)(?<parameters>(?:;[^,;]*)*),/i;

/**
 * The bytes of a file in a raw body, in a part of a form, or in JSON as base64 or a data URL.
 * @param path its name in messages
 * @throws ApiError `invalid_input`, `unsupported_media_type`
 */
export function toFileBytes(value: unknown, path: string, kind: FileKind): Uint8Array {
  if (value instanceof Media) return value.bytes;
  const { expected, mediaTypes } = kind;
  if (typeof value !== "string")
    throw new ApiError("invalid_input", `${path} must be ${expected}; got ${describe(value)}.`);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(value))
    throw new ApiError(
      "invalid_input",
      `${path} is a URL, which is not fetched: send the file itself, as the body or as base64.`,
    );
  const prefix = DATA_URL.exec(value);
  const type = mediaType(prefix?.groups?.type ?? "");
  if (prefix && mediaTypes && !mediaTypes.includes(type))
    throw new ApiError(
      "unsupported_media_type",
      `${path} is a data URL of ${clip(type) || "no type"}: this model takes ${mediaTypes.join(", ")}.`,
      { details: { actual: clip(type), valid: mediaTypes } },
    );
  if (prefix && !/;base64$/i.test(prefix.groups?.parameters ?? ""))
    throw new ApiError("invalid_input", `${path} is a data URL without ";base64".`);
  try {
    return fromBase64(prefix ? value.slice(prefix[0].length) : value);
  } catch (cause) {
    throw new ApiError(
      "invalid_input",
      `${path} must be ${expected}; got a string that is not base64: ${describe(value)}.`,
      { cause },
    );
  }
}

/** Line breaks and padding are optional. */
function fromBase64(text: string): Uint8Array {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < bytes.length; index++) bytes[index] = binary.charCodeAt(index);
  return bytes;
}
