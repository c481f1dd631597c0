import type { KeyDigest, VerifiableKey } from "../../domain/access/key-authority.ts";
import type { OpenedSession } from "../../domain/access/session.ts";
import {
  type SessionClaim,
  signedPart,
  toSessionCookie,
} from "../../domain/access/session-cookie.ts";
import { equalInConstantTime } from "../../shared/equal-in-constant-time.ts";
import { createSessionMac } from "./session-mac.ts";

/** A session ends with its cookie after this time, or with the key that it is bound to. */
export const SESSION_SECONDS = 3600;

/** What a session is bound to: an API key, by the digest of the secret that was shown, or the admin key. */
export interface SessionKey {
  readonly keyId: string;
  /** SHA-256 of the whole key, in hexadecimal. */
  readonly sha256: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/**
 * Sessions of the dashboard. Nothing of them is stored: a cookie says which key it is bound to, by a keyed digest of its secret, so that
 * it is worth nothing once the key is revoked, disabled, expired or rotated, or ADMIN_KEY is another one.
 */
export class Sessions {
  readonly #mac;
  readonly #now: () => number;

  constructor(adminKey: string, now: () => number) {
    this.#mac = createSessionMac(adminKey);
    this.#now = now;
  }

  /** @param key `undefined` for the admin key */
  async open(key: SessionKey | undefined): Promise<OpenedSession> {
    const nowSeconds = Math.floor(this.#now() / 1000);
    const ends = Math.floor((key?.expiresAt ?? Number.POSITIVE_INFINITY) / 1000);
    const expiresAt = Math.min(nowSeconds + SESSION_SECONDS, ends);
    const binding = await this.#mac.of("key", key?.sha256 ?? "");
    const claim = { keyId: key?.keyId, expiresAt, binding };
    const mac = await this.#mac.of("session", signedPart(claim));
    return {
      cookie: toSessionCookie({ ...claim, mac }, expiresAt - nowSeconds),
      expiresAt: new Date(expiresAt * 1000).toISOString(),
    };
  }

  /** Whether this server has opened the session, and it has not ended by itself. Nobody is asked. */
  async isOpen(claim: SessionClaim): Promise<boolean> {
    if (this.#now() / 1000 >= claim.expiresAt) return false;
    return equalInConstantTime(claim.mac, await this.#mac.of("session", signedPart(claim)));
  }

  /** The digest of the key's secret that the session is bound to, if the key has it still. */
  async findDigest(
    { binding }: SessionClaim,
    { digests }: VerifiableKey,
  ): Promise<KeyDigest | undefined> {
    for (const digest of digests)
      if (equalInConstantTime(binding, await this.#mac.of("key", digest.sha256))) return digest;
    return undefined;
  }
}
