import { decodeBase64 } from "../shared/base64.ts";

const ENCRYPTION_KEY_BYTES = 32;

/**
 * Parses keys of the encryption at rest, separated by commas.
 * @throws Error that does not repeat the key, which is a secret
 */
export function parseEncryptionKeys(text: string): readonly Uint8Array<ArrayBuffer>[] {
  const parts = text.split(",").map((part) => part.trim());
  return parts.filter((part) => part !== "").map(parseEncryptionKey);
}

function parseEncryptionKey(text: string): Uint8Array<ArrayBuffer> {
  const bytes = decodeBase64(text);
  if (bytes?.byteLength === ENCRYPTION_KEY_BYTES) return bytes;
  const found = bytes ? `base64 of ${bytes.byteLength} bytes` : "no base64";
  throw new Error(
    `a key is base64 of ${ENCRYPTION_KEY_BYTES} random bytes, and this is ${found}: make one with "npx onnxflare keys generate encryption" or "openssl rand -base64 32"`,
  );
}
