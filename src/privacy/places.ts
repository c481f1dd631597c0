/**
 * Every place in which something is kept, and why it is, or is not, part of an erasure. `docs/privacy.md` has a row for each, and tests
 * compare it with the bindings, the keys of `docs/storage.md` and the tables of the authority.
 */

/** Places that an erasure goes through, each by a `PersonalDataStore`. */
export const STORE_NAMES = ["captures", "predictions", "prefixes", "events", "keys"] as const;
export type StoreName = (typeof STORE_NAMES)[number];

export interface Place {
  /** Where it is: the name of its row in `docs/privacy.md`. */
  readonly name: string;
  /** Its store, or why an erasure leaves it alone. */
  readonly coverage: { readonly store: StoreName } | { readonly reason: string };
}
