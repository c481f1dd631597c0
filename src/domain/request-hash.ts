import { toHex } from "../shared/hex.ts";
import { sha256 } from "../shared/sha256.ts";

const HASH_BYTES = 16;

/** In hexadecimal. */
export const REQUEST_HASH = /^[0-9a-f]{32}$/;

/** By which what is kept of a request is found again: the beginning of the SHA-256 of its id, in hexadecimal. */
export async function requestHash(requestId: string): Promise<string> {
  return toHex((await sha256(requestId)).subarray(0, HASH_BYTES));
}
