import { encodeBase64 } from "../../shared/base64.ts";
import { toHex } from "../../shared/hex.ts";

const ENCODER = new TextEncoder();
const SECRET_INFO = new Uint8Array(ENCODER.encode("onnxflare webhook: signing secret"));
const KEY_ID_INFO = new Uint8Array(ENCODER.encode("onnxflare webhook: key id"));
/** Standard Webhooks asks for 24 to 64 bytes. */
const SECRET_BYTES = 32;
const SALT_BYTES = 16;
const KEY_ID_BYTES = 8;

/**
 * Secrets of webhooks, which are stored nowhere: each is derived from PRIVACY_KEY and a random salt, by HKDF with SHA-256 (RFC 5869). The
 * salt tells nothing of it without the key.
 */
export interface SigningSecrets {
  /** Identifies the key, and tells nothing of it. */
  keyId(): Promise<string>;
  /** `whsec_` and base64 of 32 bytes, as Standard Webhooks writes it. */
  derive(salt: string): Promise<string>;
}

/** In hexadecimal. */
export function createSalt(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(SALT_BYTES)));
}

/** @param privacyKey of 32 random bytes */
export function createSigningSecrets(privacyKey: Uint8Array<ArrayBuffer>): SigningSecrets {
  const material = crypto.subtle.importKey("raw", privacyKey, "HKDF", false, ["deriveBits"]);
  // Whoever uses it sees it.
  material.catch(() => undefined);

  async function derive(salt: string, info: Uint8Array<ArrayBuffer>, sizeBytes: number) {
    const algorithm = { name: "HKDF", hash: "SHA-256", salt: ENCODER.encode(salt), info };
    return new Uint8Array(await crypto.subtle.deriveBits(algorithm, await material, sizeBytes * 8));
  }

  return {
    keyId: async () => toHex(await derive("", KEY_ID_INFO, KEY_ID_BYTES)),
    derive: async (salt) => `whsec_${encodeBase64(await derive(salt, SECRET_INFO, SECRET_BYTES))}`,
  };
}
