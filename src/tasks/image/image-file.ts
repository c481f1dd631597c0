import { ApiError } from "../../domain/errors.ts";
import { Media } from "../../domain/media.ts";
import { describe } from "../../domain/tensor-json.ts";

const DATA_URL = /^data:(?<type>[^,;]*)(?<parameters>(?:;[^,;]*)*),/i;

/**
 * The bytes of a picture that came as a body, as a part of a form, or as base64 in JSON, with or
 * without `data:image/jpeg;base64,` in front.
 * @param place what to call it in a message
 * @throws ApiError `invalid_input`
 */
export function toImageFile(value: unknown, place: string): Uint8Array {
  if (value instanceof Media) return value.bytes;
  const expected = "a picture: base64 of a JPEG, PNG or WebP file, or a data URL of it";
  if (typeof value !== "string")
    throw new ApiError("invalid_input", `${place} must be ${expected}; got ${describe(value)}.`);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(value))
    throw new ApiError(
      "invalid_input",
      `${place} is a URL, and this service fetches none: send the picture itself, as the body or as base64.`,
    );
  const prefix = DATA_URL.exec(value);
  if (prefix && !/;base64$/i.test(prefix.groups?.parameters ?? ""))
    throw new ApiError("invalid_input", `${place} is a data URL without ";base64".`);
  try {
    return fromBase64(prefix ? value.slice(prefix[0].length) : value);
  } catch (cause) {
    throw new ApiError(
      "invalid_input",
      `${place} must be ${expected}; got a text that is no base64: ${describe(value)}.`,
      { cause },
    );
  }
}

/** Of a text with or without line breaks and padding. */
function fromBase64(text: string): Uint8Array {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < bytes.length; index++) bytes[index] = binary.charCodeAt(index);
  return bytes;
}
