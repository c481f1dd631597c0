import type { Subjects } from "../domain/subject.ts";
import { toHex } from "../shared/hex.ts";
import { latestFulfilled } from "../shared/latest.ts";
import { deriveMacKey } from "./privacy-keys.ts";

const HASH_BYTES = 16;
const ENCODER = new TextEncoder();

/**
 * Hashes the ids of subjects with HMAC-SHA-256, of which the first 16 bytes are used: who does not have the key cannot tell whose a
 * hash is, however few ids there may be.
 */
export function createSubjects(secret: Uint8Array<ArrayBuffer>): Subjects {
  const key = latestFulfilled(() => deriveMacKey(secret, "subjects"));
  return {
    async hash(id) {
      const mac = await crypto.subtle.sign("HMAC", await key(), ENCODER.encode(id));
      return toHex(new Uint8Array(mac, 0, HASH_BYTES));
    },
  };
}
