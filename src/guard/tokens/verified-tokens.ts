import type { Principal } from "../../domain/access/principal.ts";
import { equalInConstantTime } from "../../shared/equal-in-constant-time.ts";
import { LruMap } from "../../shared/lru-map.ts";
import type { KeySet } from "./key-set.ts";

/** At most 8 MB with tokens of the largest size; most have one kilobyte. */
const MAX_TOKENS = 1000;
/** Characters of the end of a signature, by which tokens are found; equal are only tokens that are equal as a whole. */
const SUFFIX_LENGTH = 24;

interface VerifiedToken {
  readonly token: string;
  readonly principal: Principal;
  /** In milliseconds since the epoch. */
  readonly validUntil: number;
  readonly keys: KeySet;
}

/** Tokens that were verified, so that a request with one costs a comparison in constant time instead of a signature. */
export class VerifiedTokens {
  readonly #tokens = new LruMap<string, VerifiedToken>(MAX_TOKENS);

  /** @param keys those of the issuer now: a token is verified again when they are others */
  get(token: string, keys: KeySet, now: number): Principal | undefined {
    const key = token.slice(-SUFFIX_LENGTH);
    const found = this.#tokens.get(key);
    if (!found || !equalInConstantTime(token, found.token)) return undefined;
    if (now < found.validUntil && found.keys === keys) return found.principal;
    this.#tokens.delete(key);
    return undefined;
  }

  add(verified: VerifiedToken): void {
    this.#tokens.set(verified.token.slice(-SUFFIX_LENGTH), verified);
  }
}
