/**
 * What a file is by its bytes. Clients often do not know: curl sends forms' parts as application/octet-stream and bodies as
 * application/x-www-form-urlencoded, and Windows calls CSV an Excel file.
 */

interface Signature {
  /** For messages. */
  readonly name: string;
  /** Of the types that models take. */
  readonly type?: string;
  /** Text at offsets, one character a byte. */
  readonly parts: readonly (readonly [offset: number, text: string])[];
}

const SIGNATURES: readonly Signature[] = [
  { name: "a JPEG image", type: "image/jpeg", parts: [[0, "\xff\xd8\xff"]] },
  { name: "a PNG image", type: "image/png", parts: [[0, "\x89PNG\r\n\x1a\n"]] },
  // biome-ignore format: one line a signature
  { name: "a WebP image", type: "image/webp", parts: [[0, "RIFF"], [8, "WEBP"]] },
  ...["RIFF", "RIFX", "RF64", "BW64"].map(
    (container): Signature => ({
      name: "a WAV file",
      type: "audio/wav",
      parts: [
        [0, container],
        [8, "WAVE"],
      ],
    }),
  ),
  { name: "a GIF image", parts: [[0, "GIF8"]] },
  { name: "a BMP image", parts: [[0, "BM"]] },
  { name: "a TIFF image", parts: [[0, "II*\0"]] },
  { name: "a TIFF image", parts: [[0, "MM\0*"]] },
  { name: "an AVIF image", parts: [[4, "ftypavi"]] },
  { name: "a HEIC image", parts: [[4, "ftyphei"]] },
  { name: "a HEIC image", parts: [[4, "ftypmif1"]] },
  { name: "an MP4 file", parts: [[4, "ftyp"]] },
  { name: "a JPEG XL image", parts: [[0, "\xff\x0a"]] },
  { name: "a PDF document", parts: [[0, "%PDF"]] },
  { name: "an MP3 file", type: "audio/mpeg", parts: [[0, "ID3"]] },
  // Frames of MPEG 1, 2 and 2.5, Layer III, with and without a checksum.
  ...["\xfa", "\xfb", "\xf2", "\xf3", "\xe2", "\xe3"].map(
    (second): Signature => ({
      name: "an MP3 file",
      type: "audio/mpeg",
      parts: [[0, `\xff${second}`]],
    }),
  ),
  { name: "an Ogg file", type: "audio/ogg", parts: [[0, "OggS"]] },
  { name: "a FLAC file", type: "audio/flac", parts: [[0, "fLaC"]] },
  { name: "an Excel workbook", parts: [[0, "\xd0\xcf\x11\xe0"]] },
  { name: "a ZIP archive or an Excel workbook", parts: [[0, "PK\x03\x04"]] },
  { name: "a gzip file", parts: [[0, "\x1f\x8b"]] },
];

const BINARY = "application/octet-stream";
const CSV = "text/csv";
const TEXT = "text/plain";

/** Types that say nothing of the bytes. */
const GENERIC = ["", BINARY, "binary/octet-stream", "application/x-www-form-urlencoded"];

/** Other names of CSV, and what browsers and tools send for it. */
export const CSV_ALIASES: readonly string[] = [
  "application/csv",
  "application/x-csv",
  "application/vnd.ms-excel",
  "text/comma-separated-values",
  "text/x-comma-separated-values",
  "text/x-csv",
];

/**
 * The type of a body or of a part of a form, as the model takes it: the bytes decide where they have a signature of a type that it
 * takes, then the declared type, and of text without a telling type the only kind of text that the model takes.
 * @param declared in lower case and without parameters; empty if there is none
 * @returns one of `accepted`, or `undefined`
 */
export function recognizeMedia(
  declared: string,
  bytes: Uint8Array,
  accepted: readonly string[],
): string | undefined {
  const signature = findSignature(bytes);
  if (signature?.type && accepted.includes(signature.type)) return signature.type;
  if (accepted.includes(declared)) return declared;
  const isGeneric = GENERIC.includes(declared);
  if (isGeneric && accepted.includes(BINARY)) return BINARY;
  if (signature || !isText(bytes) || (isGeneric && beginsAsJson(bytes))) return undefined;
  const mayBeCsv = isGeneric || declared === TEXT || CSV_ALIASES.includes(declared);
  if (mayBeCsv && accepted.includes(CSV)) return CSV;
  return isGeneric && accepted.includes(TEXT) ? TEXT : undefined;
}

/** What the bytes are, for a message: `a GIF image`. */
export function describeBytes(bytes: Uint8Array): string {
  if (bytes.length === 0) return "no bytes";
  const signature = findSignature(bytes);
  if (signature) return signature.name;
  const start = [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0"));
  return `${bytes.length} bytes that begin with ${start.join(" ")}`;
}

function findSignature(bytes: Uint8Array): Signature | undefined {
  return SIGNATURES.find(({ parts }) =>
    parts.every(([offset, text]) =>
      [...text].every((character, at) => bytes[offset + at] === character.charCodeAt(0)),
    ),
  );
}

/** Bytes without control characters at their beginning, other than those that texts have. */
function isText(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 1024).every((byte) => byte >= 0x20 || (byte >= 0x09 && byte <= 0x0d));
}

/** Whether the first byte that is no white space of JSON is a brace or a bracket. */
export function beginsAsJson(body: Uint8Array): boolean {
  const first = body.find((byte) => ![0x20, 0x09, 0x0a, 0x0d].includes(byte));
  return first === undefined || first === 0x7b || first === 0x5b;
}
