import { ApiError } from "../domain/errors.ts";
import { Media, mediaType } from "../domain/media.ts";
import { describeBytes, recognizeMedia } from "../domain/recognize-media.ts";
import { describe } from "../domain/tensor-json.ts";
import { decodeBase64 } from "../shared/base64.ts";
import { clip } from "../shared/quote.ts";

/** The files that a task takes. */
export interface FileKind {
  /** For messages: `an image: base64 of a JPEG, PNG or WebP file, or a data URL of it`. */
  readonly expected: string;
  /** The media types that a data URL may have; any when left out. */
  readonly mediaTypes?: readonly string[];
}

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
  const url = parseDataUrl(value, path, mediaTypes);
  const bytes = url?.isBase64 === false ? url.bytes : decodeBase64(url?.text ?? value);
  if (bytes) return bytes;
  throw new ApiError(
    "invalid_input",
    `${path} must be ${expected}; got a ${url ? "data URL" : "string"} that is not base64: ${describe(value)}.`,
  );
}

type DataUrl =
  | { readonly isBase64: true; readonly text: string }
  | { readonly isBase64: false; readonly bytes: Uint8Array };

/**
 * RFC 2397: a type with parameters, which may be left out, then base64 or text, either with percent escapes.
 * @returns `undefined` for another text
 */
function parseDataUrl(
  value: string,
  path: string,
  mediaTypes: readonly string[] | undefined,
): DataUrl | undefined {
  if (!/^\s*data:/i.test(value)) return undefined;
  const start = value.indexOf(":") + 1;
  const comma = value.indexOf(",", start);
  if (comma < 0)
    throw new ApiError("invalid_input", `${path} is a data URL without a comma before its data.`);
  const header = value.slice(start, comma);
  const isBase64 = /;\s*base64\s*$/i.test(header);
  const bytes = withoutEscapes(value.slice(comma + 1), isBase64);
  if (bytes === undefined)
    throw new ApiError(
      "invalid_input",
      `${path} is a data URL with ${isBase64 ? "" : "characters beyond ASCII, or "}a percent sign that begins no escape.`,
    );
  const type = mediaType(isBase64 ? header.slice(0, header.lastIndexOf(";")) : header);
  const data: DataUrl =
    typeof bytes === "string" ? { isBase64: true, text: bytes } : { isBase64: false, bytes };
  if (mediaTypes && !mediaTypes.includes(type)) {
    const file = data.isBase64 ? decodeBase64(data.text) : data.bytes;
    if (!file || !recognizeMedia(type, file, mediaTypes))
      throw new ApiError(
        "unsupported_media_type",
        `${path} is a data URL of ${clip(type) || "no type"}; got ${describeBytes(file ?? new Uint8Array())}: this model takes ${mediaTypes.join(", ")}.`,
        { details: { actual: clip(type), valid: mediaTypes } },
      );
  }
  return data;
}

/** Without its percent escapes: base64 as text, other data as bytes; `undefined` when they are not valid. */
function withoutEscapes(text: string, isBase64: boolean): string | Uint8Array | undefined {
  if (isBase64 && !text.includes("%")) return text;
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    let code = text.charCodeAt(at);
    if (code === 0x25) {
      const digits = text.slice(at + 1, at + 3);
      if (!/^[0-9a-f]{2}$/i.test(digits)) return undefined;
      code = Number.parseInt(digits, 16);
      at += 2;
    }
    if (code > 0xff || (code > 0x7f && text.charCodeAt(at) === code)) return undefined;
    bytes[length++] = code;
  }
  const data = bytes.subarray(0, length);
  return isBase64 ? new TextDecoder("latin1").decode(data) : data;
}
