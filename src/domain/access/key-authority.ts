import type { KeyPolicy } from "./key-policy.ts";

export type KeyState = "active" | "disabled" | "expired" | "revoked";

/** One secret of a key. While a rotation overlaps, a key has two. */
export interface KeyDigest {
  /** SHA-256 of the whole key, in hexadecimal. */
  readonly sha256: string;
  /** Milliseconds since the epoch; `undefined` for one that does not end by itself. */
  readonly expiresAt?: number | undefined;
}

/** What an isolate needs to verify a key by itself. */
export interface VerifiableKey {
  readonly policy: KeyPolicy;
  readonly state: KeyState;
  /** None of a key that was revoked. */
  readonly digests: readonly KeyDigest[];
}

/** Knows all keys. It may be far away or out of reach, so isolates keep what it said for some seconds. */
export interface KeyAuthority {
  /**
   * @returns for each id what is known about it, in the same order; `undefined` for an id that no key has
   * @throws Error when the authority is out of reach
   */
  find(ids: readonly string[]): Promise<readonly (VerifiableKey | undefined)[]>;
}
