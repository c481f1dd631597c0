import { requestHash } from "../../domain/request-hash.ts";

/** Bytes of the hash of a request's id by which its prediction is found: two of a hundred million requests share them once in 3,700 deployments. */
export const KEY_BYTES = 8;
/** The same in hexadecimal. */
const KEY_DIGITS = 2 * KEY_BYTES;

/** In hexadecimal. */
export async function requestKey(requestId: string): Promise<string> {
  return toRequestKey(await requestHash(requestId));
}

/** Of the hash by which an erasure names a request. */
export function toRequestKey(hash: string): string {
  return hash.slice(0, KEY_DIGITS);
}

export function keyToBytes(key: string): ArrayBuffer {
  const bytes = new Uint8Array(KEY_BYTES);
  for (let index = 0; index < KEY_BYTES; index++)
    bytes[index] = Number.parseInt(key.slice(2 * index, 2 * index + 2), 16);
  return bytes.buffer;
}

const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** The key at a place of concatenated ones. */
export function keyAt(bytes: Uint8Array, index: number): string {
  let key = "";
  for (let offset = index * KEY_BYTES; offset < (index + 1) * KEY_BYTES; offset++)
    key += DIGITS[bytes[offset] ?? 0];
  return key;
}
