import type { KeyDigest, VerifiableKey } from "../domain/access/key-authority.ts";
import { ApiError } from "../domain/errors.ts";
import { equalInConstantTime } from "../shared/equal-in-constant-time.ts";
import { toHex } from "../shared/hex.ts";
import { sha256 } from "../shared/sha256.ts";

/** The digest of a key that is the digest of this text. */
export async function findDigest(
  text: string,
  { digests }: VerifiableKey,
): Promise<KeyDigest | undefined> {
  const sum = toHex(await sha256(text));
  return digests.findLast((digest) => equalInConstantTime(sum, digest.sha256));
}

/** Refuses a credential that is not valid, or no longer. */
export function invalidKey(message: string): ApiError {
  return new ApiError("unauthorized", message, { details: { reason: "invalid_token" } });
}

/** For every key whose secret nobody has, also for one that was revoked: nobody learns which ids exist. */
export const UNKNOWN_KEY = "The API key is not valid: no key is like it, or it was revoked.";

/**
 * Why a key is not accepted whose secret is right; `undefined` when it is.
 * @param now in milliseconds since the epoch
 */
export function problemOf(
  { policy, state }: VerifiableKey,
  digest: KeyDigest,
  now: number,
): string | undefined {
  if (state === "revoked") return UNKNOWN_KEY;
  if (state === "disabled") return "The API key is disabled.";
  if (state === "expired" || now >= expiryOf(policy.expiresAt)) return "The API key has expired.";
  if (now >= (digest.expiresAt ?? Number.POSITIVE_INFINITY))
    return "The API key was rotated: this secret of it has expired.";
  return undefined;
}

/** In milliseconds since the epoch. */
export function expiryOf(expiresAt: string | undefined): number {
  return expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(expiresAt);
}
