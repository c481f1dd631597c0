import { encodeBase64Url } from "../../shared/base64.ts";
import { latestFulfilled } from "../../shared/latest.ts";

const ENCODER = new TextEncoder();
const SALT = ENCODER.encode("onnxflare session v1");
/**
 * Whoever has a session, also one of a key with few scopes, could try guesses of ADMIN_KEY against its MAC. Each then costs as much;
 * workerd allows no more.
 */
const ITERATIONS = 100_000;

/** Authenticates what cookies of sessions say. */
export interface SessionMac {
  /** In base64url. @param purpose so that what is made for one is nothing for another */
  of(purpose: "session" | "key", text: string): Promise<string>;
}

/** @param adminKey without it admin routes are disabled, so there are no sessions either; another one ends all of them */
export function createSessionMac(adminKey: string): SessionMac {
  /** Kept, because it takes some 50 ms. */
  const key = latestFulfilled(() => deriveKey(adminKey));
  return {
    async of(purpose, text) {
      const mac = await crypto.subtle.sign(
        "HMAC",
        await key(),
        ENCODER.encode(`${purpose}\n${text}`),
      );
      return encodeBase64Url(new Uint8Array(mac));
    },
  };
}

async function deriveKey(adminKey: string): Promise<CryptoKey> {
  const { subtle } = crypto;
  const secret = await subtle.importKey("raw", ENCODER.encode(adminKey), "PBKDF2", false, [
    "deriveKey",
  ]);
  const kdf = { name: "PBKDF2", hash: "SHA-256", salt: SALT, iterations: ITERATIONS };
  return subtle.deriveKey(kdf, secret, { name: "HMAC", hash: "SHA-256", length: 256 }, false, [
    "sign",
  ]);
}
