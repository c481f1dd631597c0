import type { AuditAuthority } from "../audit/audit-authority.ts";
import type { Grantor } from "./grantor.ts";
import type { KeyPolicy } from "./key-policy.ts";
import type { LeaseAuthority } from "./lease.ts";
import type {
  ChangedKey,
  KeyFields,
  KeyIdentity,
  KeyPage,
  KeyPatch,
  KeyQuery,
  StoredKey,
} from "./stored-key.ts";

export const KEY_STATES = ["active", "disabled", "expired", "revoked"] as const;
export type KeyState = (typeof KEY_STATES)[number];

/** One secret of a key. While a rotation overlaps, a key has those before too. */
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

/**
 * Knows all keys. It may be far away or out of reach, so isolates keep what it said for some seconds. Arguments and results are
 * plain data.
 *
 * Every method throws ApiError `authority_unavailable` when the authority is out of reach; what changes something may have been
 * done then.
 */
export interface KeyAuthority extends LeaseAuthority, AuditAuthority {
  /** @returns for each id what is known about it, in the same order; `undefined` for an id that no key has */
  find(ids: readonly string[]): Promise<readonly (VerifiableKey | undefined)[]>;
  /**
   * Stores a key. With the same identity and fields it can be repeated.
   * @throws ApiError `invalid_request`, `forbidden`
   */
  createKey(identity: KeyIdentity, fields: KeyFields, by: Grantor): Promise<StoredKey>;
  /** @throws ApiError `invalid_request` */
  listKeys(query: KeyQuery, by: Grantor): Promise<KeyPage>;
  /** @throws ApiError `key_not_found`, `forbidden` */
  getKey(id: string, by: Grantor): Promise<StoredKey>;
  /** @throws ApiError `key_not_found`, `key_revoked`, `invalid_request`, `forbidden` */
  updateKey(id: string, patch: KeyPatch, by: Grantor): Promise<ChangedKey>;
  /**
   * Gives a key another secret. The one before is accepted for some time more.
   * @throws ApiError `key_not_found`, `key_revoked`, `invalid_request`, `forbidden`
   */
  rotateKey({ id, sha256 }: KeyIdentity, overlapSeconds: number, by: Grantor): Promise<ChangedKey>;
  /**
   * Ends a key for good. It can be repeated.
   * @throws ApiError `key_not_found`, `forbidden`
   */
  revokeKey(id: string, by: Grantor): Promise<ChangedKey>;
  /** All that the authority has of a key, by table, without what verifies it: for access requests. */
  exportKey(id: string): Promise<Readonly<Record<string, readonly object[]>>>;
  /**
   * Deletes all of it, and so the key. It can be repeated.
   * @returns how many rows there were
   */
  eraseKey(id: string): Promise<number>;
}
