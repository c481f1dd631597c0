import type { KeyState } from "./key-authority.ts";
import type { KeyPolicy, Quota } from "./key-policy.ts";

/** The longest time for which a key has two secrets: 30 days. */
export const MAX_OVERLAP_SECONDS = 2_592_000;
export const MAX_KEYS_OF_PAGE = 1000;

/** An API key as administrators see it: everything but its secrets. Times are ISO 8601, by the clock of the authority. */
export interface StoredKey extends KeyPolicy {
  readonly state: KeyState;
  /** Who answers for it. */
  readonly owner?: string | undefined;
  readonly notes?: string | undefined;
  readonly createdAt: string;
  /** The label of the principal that created it. */
  readonly createdBy: string;
  readonly updatedAt: string;
  /** When it last got a new secret. */
  readonly rotatedAt?: string | undefined;
  /** Until when the secret before is accepted; absent when it is not. */
  readonly overlapEndsAt?: string | undefined;
  readonly revokedAt?: string | undefined;
  /** What is counted of the day, as far as isolates have reported it: by the names of the quotas that there are. */
  readonly usage?: Quota | undefined;
}

/** What a key is made with. */
export type KeyFields = Omit<KeyPolicy, "id"> & Pick<StoredKey, "owner" | "notes">;

/** A patch of some fields; `null` removes one. Of limits, rate and quota each is a field of its own. */
export type KeyPatch = {
  readonly [Name in keyof KeyFields]?: Patched<KeyFields[Name]> | undefined;
} & { readonly disabled?: boolean | undefined };

type Patched<T> = T extends readonly unknown[] | string | number | undefined
  ? T | null
  : { readonly [Name in keyof T]?: T[Name] | null | undefined } | null;

/** The fields that name a key: made by the one who creates it, so that the authority never has the secret. */
export interface KeyIdentity {
  readonly id: string;
  /** SHA-256 of the whole key, in hexadecimal. */
  readonly sha256: string;
}

/** What a change has made of a key. */
export interface ChangedKey {
  readonly before: StoredKey;
  readonly after: StoredKey;
}

export interface KeyQuery {
  /** 1 to {@link MAX_KEYS_OF_PAGE}. */
  readonly limit: number;
  /** Of the page before. */
  readonly cursor?: string | undefined;
  readonly state?: KeyState | undefined;
  readonly owner?: string | undefined;
}

export interface KeyPage {
  /** Newest first. */
  readonly keys: readonly StoredKey[];
  /** Where the next page begins; absent at the end. */
  readonly cursor?: string | undefined;
}
