import { keyIdIn } from "../../domain/access/api-key.ts";
import type { Presented } from "../../domain/access/authenticator.ts";
import type { Principal } from "../../domain/access/principal.ts";
import type { OpenedSession } from "../../domain/access/session.ts";
import { readSessionCookie, type SessionClaim } from "../../domain/access/session-cookie.ts";
import { ApiError } from "../../domain/errors.ts";
import { toHex } from "../../shared/hex.ts";
import { sha256 } from "../../shared/sha256.ts";
import type { KeyIdentifier } from "../key-identifier.ts";
import { expiryOf } from "../key-verdict.ts";
import { Sessions } from "./sessions.ts";

export interface SessionIdentifierOptions {
  readonly adminKey: string;
  /** `undefined` where there are no API keys. */
  readonly keys: KeyIdentifier | undefined;
  /** Who has the admin key. */
  readonly administrator: () => Promise<Principal>;
  readonly now: () => number;
}

/** Opens sessions for who has shown a key, and identifies clients by them. */
export class SessionIdentifier {
  readonly #options: SessionIdentifierOptions;
  readonly #sessions: Sessions;

  constructor(options: SessionIdentifierOptions) {
    this.#options = options;
    this.#sessions = new Sessions(options.adminKey, options.now);
  }

  /** The session that a request has, which may be any text. */
  claimIn(presented: Presented): SessionClaim | undefined {
    return readSessionCookie(presented.header("cookie"));
  }

  /** @returns `undefined` for a session that has ended, or was never opened */
  async identify(claim: SessionClaim, { waitUntil }: Presented): Promise<Principal | undefined> {
    const { keys, administrator } = this.#options;
    if (!(await this.#sessions.isOpen(claim))) return undefined;
    if (claim.keyId === undefined) return administrator();
    const find = this.#sessions.findDigest.bind(this.#sessions, claim);
    return keys?.identifyBound(claim.keyId, find, waitUntil);
  }

  /**
   * @param principal whom the key in `Authorization` is of
   * @throws ApiError `forbidden` for who has shown no key
   */
  async open(principal: Principal, text: string | undefined): Promise<OpenedSession> {
    if (principal.kind === "admin" && text !== undefined) return this.#sessions.open(undefined);
    const keyId = principal.kind === "key" && text !== undefined ? keyIdIn(text) : undefined;
    if (keyId === undefined || text === undefined)
      throw new ApiError(
        "forbidden",
        "A session is opened with a key: send it as Authorization: Bearer <key>.",
      );
    return this.#sessions.open({
      keyId,
      sha256: toHex(await sha256(text)),
      expiresAt: expiryOf(principal.policy?.expiresAt),
    });
  }
}
