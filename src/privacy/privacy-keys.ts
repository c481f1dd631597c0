const ENCODER = new TextEncoder();
const NO_SALT = new Uint8Array();
const KEY_BYTES = 32;

/** What a derived key is for, which HKDF binds it to: none of them tells anything of the others. */
const PURPOSES = {
  subjects: "onnxflare privacy: hashes of subjects",
  captures: "onnxflare privacy: encryption of captures",
  receipts: "onnxflare privacy: signature of receipts",
  cursors: "onnxflare privacy: cursors of erasures",
} as const;

/**
 * Derives a key from the secret PRIVACY_KEY: HKDF with SHA-256 (RFC 5869), without a salt.
 * @param secret of 32 random bytes
 * @returns 32 bytes
 */
export async function derivePrivacyKey(
  secret: Uint8Array<ArrayBuffer>,
  purpose: keyof typeof PURPOSES,
): Promise<Uint8Array<ArrayBuffer>> {
  const material = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const info = new Uint8Array(ENCODER.encode(PURPOSES[purpose]));
  const algorithm = { name: "HKDF", hash: "SHA-256", salt: NO_SALT, info };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, material, KEY_BYTES * 8));
}

/** A key for HMAC with SHA-256. */
export async function deriveMacKey(
  secret: Uint8Array<ArrayBuffer>,
  purpose: "subjects" | "cursors",
): Promise<CryptoKey> {
  const bytes = await derivePrivacyKey(secret, purpose);
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign", "verify"]);
}
