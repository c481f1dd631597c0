import { API_KEY_LENGTH, API_KEY_PREFIX, KEY_ID_LENGTH } from "../domain/access/api-key.ts";
import type { KeyDigest, VerifiableKey } from "../domain/access/key-authority.ts";
import type { Principal } from "../domain/access/principal.ts";
import { equalInConstantTime } from "../shared/equal-in-constant-time.ts";
import { LruMap } from "../shared/lru-map.ts";
import { expiryOf, problemOf } from "./key-verdict.ts";

/** How long what the authority said may be used, counted from when it was asked: the longest delay of a revocation. */
export const FRESH_MS = 5000;
/** It is asked again from this age on, so that requests with a key in steady use never wait. */
export const REFRESH_FROM_MS = 2500;

const SCHEME = "Bearer ";
const HEADER_LENGTH = SCHEME.length + API_KEY_LENGTH;
const ID_START = SCHEME.length + API_KEY_PREFIX.length;
const ID_END = ID_START + KEY_ID_LENGTH;

/** Keys in memory; each takes about a kilobyte. */
const MAX_KEYS = 5000;
/** Ids that no key has. Apart, so that guesses evict no key. */
const MAX_UNKNOWN = 1000;

/** A secret of a key that a client has shown. */
interface ShownSecret {
  /** The whole header, as most clients send it. */
  readonly header: string;
  readonly sha256: string;
}

/** What the authority said about an id, and when it was asked. */
export interface KnownKey {
  readonly id: string;
  readonly found: VerifiableKey | undefined;
  readonly askedAt: number;
  /** `undefined` for an id that no key has. */
  readonly principal: Principal | undefined;
  /** While a rotation overlaps, a key has two. */
  readonly shown: ShownSecret[];
  /** Until then the secrets that were shown are accepted without further ado. */
  recallUntil: number;
  /** Whether it was used since the authority was asked. */
  isUsed: boolean;
}

/** What the authority said about keys, in this isolate. */
export class KnownKeys {
  readonly #keys = new LruMap<string, KnownKey>(MAX_KEYS);
  readonly #unknown = new LruMap<string, KnownKey>(MAX_UNKNOWN);
  readonly #keepMs: number;

  /** @param keepMs how long what the authority said is kept, from when it was asked */
  constructor(keepMs: number) {
    this.#keepMs = Math.max(keepMs, FRESH_MS);
  }

  get(id: string): KnownKey | undefined {
    return this.#keys.get(id) ?? this.#unknown.get(id);
  }

  /**
   * The principal of a header with a secret that was verified before. Nothing is computed but a comparison in constant time.
   * @param now in milliseconds since the epoch
   */
  recall(header: string, now: number): Principal | undefined {
    if (header.length !== HEADER_LENGTH) return undefined;
    const known = this.#keys.get(header.slice(ID_START, ID_END));
    if (!known || now >= known.recallUntil || now < known.askedAt) return undefined;
    for (const shown of known.shown)
      if (equalInConstantTime(header, shown.header)) {
        known.isUsed = true;
        return known.principal;
      }
    return undefined;
  }

  /** Keeps what the authority said, unless there is a later answer. */
  put(id: string, found: VerifiableKey | undefined, askedAt: number): void {
    const before = this.get(id);
    if (before && before.askedAt > askedAt) return;
    const sums = new Set(found?.digests.map(({ sha256 }) => sha256));
    const known: KnownKey = {
      id,
      found,
      askedAt,
      principal: found && (unchanged(before, found) ?? toPrincipal(found)),
      shown: before?.shown.filter(({ sha256 }) => sums.has(sha256)) ?? [],
      recallUntil: 0,
      isUsed: false,
    };
    setRecall(known, askedAt + REFRESH_FROM_MS);
    if (found) this.#unknown.delete(id);
    else this.#keys.delete(id);
    (found ? this.#keys : this.#unknown).set(id, known);
    this.#forget(askedAt);
  }

  /** Secrets of keys that nobody uses any more do not stay in memory. */
  #forget(now: number): void {
    for (const keys of [this.#keys, this.#unknown])
      for (const { id, askedAt } of keys.values()) {
        if (now - askedAt <= this.#keepMs) break;
        keys.delete(id);
      }
  }

  /** Notes that a client has shown this secret of the key. */
  show(known: KnownKey, text: string, { sha256 }: KeyDigest): void {
    if (known.shown.some((shown) => shown.sha256 === sha256)) return;
    known.shown.push({ header: `${SCHEME}${text}`, sha256 });
    setRecall(known, known.askedAt + REFRESH_FROM_MS);
  }

  /** Keys that were used, and about which the authority is to be asked again. */
  *due(now: number): Generator<string> {
    for (const { id, isUsed, askedAt } of this.#keys.values())
      if (isUsed && now - askedAt >= REFRESH_FROM_MS) yield id;
  }
}

/** The digest of a secret that was shown before; it is not computed again. */
export function shownDigest({ found, shown }: KnownKey, text: string): KeyDigest | undefined {
  const header = `${SCHEME}${text}`;
  const sum = shown.find((secret) => equalInConstantTime(header, secret.header))?.sha256;
  return sum === undefined ? undefined : found?.digests.find(({ sha256 }) => sha256 === sum);
}

/** While the authority is asked, what it said last is used as long as it is fresh. */
export function recallWhileAsking(known: KnownKey): void {
  setRecall(known, known.askedAt + FRESH_MS);
}

/** No secret is recalled that would be refused, now or by then. */
function setRecall(known: KnownKey, until: number): void {
  const { found, shown } = known;
  const digests = found?.digests.filter(({ sha256 }) =>
    shown.some((secret) => secret.sha256 === sha256),
  );
  const isAccepted = digests?.every(
    (digest) => problemOf(found as VerifiableKey, digest, known.askedAt) === undefined,
  );
  if (!found || !digests || digests.length === 0 || !isAccepted) {
    known.recallUntil = 0;
    return;
  }
  const ends = digests.map(({ expiresAt = Number.POSITIVE_INFINITY }) => expiresAt);
  known.recallUntil = Math.min(until, expiryOf(found.policy.expiresAt), ...ends);
}

/** Whoever limits a key knows it by its policy, which stays the same object while it says the same. */
function unchanged(before: KnownKey | undefined, { policy }: VerifiableKey): Principal | undefined {
  const principal = before?.principal;
  if (!principal) return undefined;
  return JSON.stringify(principal.policy) === JSON.stringify(policy) ? principal : undefined;
}

function toPrincipal({ policy }: VerifiableKey): Principal {
  const { id, scopes, models } = policy;
  return {
    kind: "key",
    label: `key:${id}`,
    id: async () => id,
    scopes: new Set(scopes),
    models,
    policy,
  };
}
