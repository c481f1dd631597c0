import { ApiError } from "../../domain/errors.ts";
import { CAPTURES_PREFIX, UPLOADS_PREFIX } from "../model-keys.ts";

/**
 * The form of an encrypted object: a header of 48 bytes, and the plain bytes in chunks, each with its tag.
 *
 * | bytes | header |
 * | --- | --- |
 * | 7 | `ONNXENC` |
 * | 1 | version of the form, 1 |
 * | 8 | id of the key |
 * | 32 | salt, random for each object |
 *
 * Every chunk is encrypted with AES-256-GCM in the STREAM construction (Hoang, Reyhanitabar, Rogaway and Vizár, "Online
 * Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", CRYPTO 2015, section 7): the nonce has a prefix of the object, the number
 * of the chunk and whether it is the last one, so that none can be cut off, added, repeated, moved or taken from another object.
 */
const MAGIC_TEXT = "ONNXENC";
const MAGIC = new TextEncoder().encode(MAGIC_TEXT);
const VERSION = 1;
export const KEY_ID_BYTES = 8;
export const SALT_BYTES = 32;
const KEY_ID_START = MAGIC.byteLength + 1;
const SALT_START = KEY_ID_START + KEY_ID_BYTES;
export const HEADER_BYTES = SALT_START + SALT_BYTES;
export const TAG_BYTES = 16;

/** Plain bytes of every chunk but the last one, which has fewer or as many; an empty object has one of none. */
export const CHUNK_BYTES = 262_144;
/** Of a chunk as it is stored. */
export const STORED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES;

/** The routing of a model, or an older part of its history. */
const ROUTING_KEY = /^models\/[^/]+\/routing[./]/;

export interface Header {
  readonly keyId: Uint8Array<ArrayBuffer>;
  readonly salt: Uint8Array<ArrayBuffer>;
}

export function toHeader({ keyId, salt }: Header): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES);
  bytes.set(MAGIC);
  bytes[MAGIC.byteLength] = VERSION;
  bytes.set(keyId, KEY_ID_START);
  bytes.set(salt, SALT_START);
  return bytes;
}

/** Whether an object begins as encrypted ones do. */
export function isEncrypted(start: Uint8Array): boolean {
  return start.byteLength >= MAGIC.byteLength && MAGIC.every((byte, at) => start[at] === byte);
}

/** {@link isEncrypted}, for an object that was read as a text. */
export function isEncryptedText(text: string): boolean {
  return text.startsWith(MAGIC_TEXT);
}

/**
 * @param key of the object
 * @throws ApiError `model_corrupt` for what is no header
 */
export function parseHeader(key: string, bytes: Uint8Array<ArrayBuffer>): Header {
  if (!isEncrypted(bytes)) throw new PlainObject(key);
  if (bytes.byteLength < HEADER_BYTES) throw corruptObject(key, "it ends in its header");
  const version = bytes[MAGIC.byteLength];
  if (version !== VERSION)
    throw corruptObject(key, `its form is version ${version}, and this release reads ${VERSION}`);
  return {
    keyId: bytes.slice(KEY_ID_START, SALT_START),
    salt: bytes.slice(SALT_START, HEADER_BYTES),
  };
}

/** The number of chunks of so many plain bytes. */
export function chunkCount(sizeBytes: number): number {
  return Math.max(1, Math.ceil(sizeBytes / CHUNK_BYTES));
}

/** The size of an encrypted object of so many plain bytes. */
export function storedSize(sizeBytes: number): number {
  return HEADER_BYTES + sizeBytes + TAG_BYTES * chunkCount(sizeBytes);
}

/** The number of plain bytes in an object of this size; `undefined` for a size that no encrypted object has. */
export function plainSize(storedBytes: number): number | undefined {
  const chunks = Math.ceil((storedBytes - HEADER_BYTES) / STORED_CHUNK_BYTES);
  const sizeBytes = storedBytes - HEADER_BYTES - TAG_BYTES * chunks;
  return sizeBytes >= 0 && storedSize(sizeBytes) === storedBytes ? sizeBytes : undefined;
}

export function corruptObject(key: string, why: string, cause?: unknown): ApiError {
  return new ApiError(
    "model_corrupt",
    `The object ${key} cannot be decrypted: ${why}. ${remedyOf(key)}.`,
    { cause, details: { object: key } },
  );
}

function remedyOf(key: string): string {
  if (key.startsWith(UPLOADS_PREFIX)) return "Send the file again";
  if (key.startsWith(CAPTURES_PREFIX))
    return "Delete it, unless the Worker had another PRIVACY_KEY";
  if (ROUTING_KEY.test(key)) return "Restore it from a copy";
  return "Restore it, or publish the version again";
}

/** Of an object that was not encrypted, which whoever can write into the bucket may have put in the place of one that was. */
class PlainObject extends ApiError {
  constructor(key: string) {
    super(
      "model_corrupt",
      key.startsWith(CAPTURES_PREFIX)
        ? `The object ${key} cannot be decrypted: it is not encrypted, and every capture is. ${remedyOf(key)}.`
        : `The object ${key} is not encrypted, and with ENCRYPTION_KEY only encrypted objects are read. ${remedyOf(key)}, or encrypt what was there before with POST /admin/encryption {"plain":true}.`,
      { details: { object: key } },
    );
  }
}
