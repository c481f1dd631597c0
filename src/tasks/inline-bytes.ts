import { ApiError } from "../domain/errors.ts";
import { Media, mediaType } from "../domain/media.ts";
import { describe } from "../domain/tensor-json.ts";

const DATA_URL = /^data:([^,]*),/i;

/**
 * The bytes of an item that is a file: a raw body or a part of a form as it is, in JSON a text of
 * base64 or a data URL.
 * @param noun what it should be, for messages: `a WAV file`
 * @param mediaTypes which types a data URL may name
 * @throws ApiError `invalid_input` that says how to send such a file, `unsupported_media_type`
 */
export function toFileBytes(
  value: unknown,
  place: string,
  noun: string,
  mediaTypes: readonly string[],
): Uint8Array {
  if (value instanceof Media) return value.bytes;
  const refuse = (problem: string): ApiError =>
    new ApiError(
      "invalid_input",
      `${place} must be ${noun}, in base64 or as a data URL, or the body itself with its content-type (${mediaTypes.join(", ")}); ${problem}.`,
    );
  if (typeof value !== "string") throw refuse(`got ${describe(value)}`);
  if (/^https?:/i.test(value)) throw refuse("got a URL, and nothing is fetched");
  const header = DATA_URL.exec(value.slice(0, 200));
  if (!header) return decodeBase64(value, refuse);
  const [prefix, parameters = ""] = header;
  const type = mediaType(parameters);
  if (!mediaTypes.includes(type))
    throw new ApiError(
      "unsupported_media_type",
      `${place} is a data URL of ${type || "no type"}: this model takes ${mediaTypes.join(", ")}.`,
      { details: { actual: type, valid: mediaTypes } },
    );
  if (!/;\s*base64\s*$/i.test(parameters)) throw refuse("got a data URL that is not base64");
  return decodeBase64(value.slice(prefix.length), refuse);
}

function decodeBase64(text: string, refuse: (problem: string) => ApiError): Uint8Array {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    throw refuse("got a text that is not base64");
  }
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < bytes.length; index++) bytes[index] = binary.charCodeAt(index);
  return bytes;
}
