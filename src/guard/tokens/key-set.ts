import type { JWK, JWTVerifyGetKey } from "jose";
import { createLocalJWKSet } from "jose";

/** The public keys of an issuer. */
export interface KeySet {
  /** Finds the key of a token by its `kid` and `alg`. */
  readonly find: JWTVerifyGetKey;
  /** The same for two sets with the same keys. */
  readonly fingerprint: string;
}

const MAX_KEYS = 100;
const KEY_TYPES = new Set(["RSA", "EC", "OKP"]);

/**
 * The keys of a JSON Web Key Set (RFC 7517) that verify signatures. Symmetric keys are left out, so that no token can be verified
 * with one, and so are private ones, which their issuer has given away.
 * @throws Error for what is no such set
 */
export function parseKeySet({ keys }: Readonly<Record<string, unknown>>): KeySet {
  if (!Array.isArray(keys)) throw new Error('the key set has no list "keys"');
  if (keys.length > MAX_KEYS)
    throw new Error(`the key set has ${keys.length} keys: at most ${MAX_KEYS}`);
  const usable = keys.filter(isUsable);
  return { find: createLocalJWKSet({ keys: usable }), fingerprint: JSON.stringify(usable) };
}

function isUsable(key: unknown): key is JWK {
  if (typeof key !== "object" || key === null) return false;
  const { kty, use, d, k } = key as JWK;
  return (
    KEY_TYPES.has(kty as string) && (use ?? "sig") === "sig" && d === undefined && k === undefined
  );
}
