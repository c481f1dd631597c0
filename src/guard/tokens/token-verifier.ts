import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import type { Principal } from "../../domain/access/principal.ts";
import type { TokenSettings } from "../../domain/access/token-settings.ts";
import type { WaitUntil } from "../../domain/call.ts";
import { ApiError } from "../../domain/errors.ts";
import type { IssuerKeys } from "./issuer-keys.ts";
import type { KeySet } from "./key-set.ts";
import type { TokenKind } from "./token-kind.ts";
import { toTokenPrincipal } from "./token-principal.ts";
import { ALGORITHMS, problemOfUnverified, TOLERANCE_SECONDS } from "./unverified-token.ts";
import { VerifiedTokens } from "./verified-tokens.ts";

/** Verifies the tokens of one issuer. */
export interface TokenVerifier {
  /** The party of a token that was verified before, unless something else is to be done. */
  recall(token: string): Principal | undefined;
  /** Whether a text has the form of a token: that of another issuer too. */
  recognizes(text: string): boolean;
  /**
   * The party that a token is of.
   * @returns a promise only if it has to wait
   * @throws ApiError `unauthorized`; `authority_unavailable` when the keys of the issuer cannot be read
   */
  verify(token: string, waitUntil: WaitUntil): Principal | Promise<Principal>;
}

/** A token is verified again after this time, however long it is valid. */
const MAX_VERIFIED_MS = 3_600_000;
/** Of keys that a token without `kid` may have been signed with. */
const MAX_CANDIDATES = 8;

/** A JSON object in base64url, and two more parts. */
const FORM = /^eyJ[^.]*\.[^.]*\.[^.]*$/;

export interface TokenVerifierOptions {
  readonly kind: TokenKind;
  readonly settings: TokenSettings;
  readonly keys: IssuerKeys;
  /** In milliseconds since the epoch. */
  readonly now: () => number;
}

export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { kind, settings, keys, now } = options;
  const verified = new VerifiedTokens();

  async function verifyNew(token: string, waitUntil: WaitUntil): Promise<Principal> {
    const problem = problemOfUnverified(token, settings, kind, now() / 1000);
    if (problem !== undefined) throw refused(problem);
    const first = await keys.get(waitUntil);
    try {
      return await verifyWith(first, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw toRefusal(error);
    }
    const second = await keys.get(waitUntil, first);
    if (second === first) throw refused("is signed with a key that the issuer does not have");
    try {
      return await verifyWith(second, token);
    } catch (error) {
      throw toRefusal(error);
    }
  }

  async function verifyWith(keySet: KeySet, token: string): Promise<Principal> {
    const claims = await verifySignature(token, keySet.find);
    const subject = kind.subjectOf(claims);
    if (!subject) throw refused('names no subject ("sub")');
    const principal = await toTokenPrincipal(kind.kind, subject, claims, settings);
    const endsAt = ((claims.exp ?? 0) + TOLERANCE_SECONDS) * 1000;
    const validUntil = Math.min(endsAt, now() + MAX_VERIFIED_MS);
    verified.add({ token, principal, validUntil, keys: keySet });
    return principal;
  }

  async function verifySignature(token: string, key: JWTVerifyGetKey): Promise<JWTPayload> {
    const checks = {
      algorithms: [...ALGORITHMS],
      issuer: settings.issuer,
      audience: [...settings.audiences],
      requiredClaims: ["exp"],
      clockTolerance: TOLERANCE_SECONDS,
      currentDate: new Date(now()),
    };
    try {
      return (await jwtVerify(token, key, checks)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
      let tried = 0;
      for await (const candidate of error) {
        if (tried++ >= MAX_CANDIDATES) break;
        try {
          return (await jwtVerify(token, candidate, checks)).payload;
        } catch {
          // Another one, or a key that is too weak to be used.
        }
      }
      throw new errors.JWSSignatureVerificationFailed();
    }
  }

  return {
    recall(token) {
      const known = keys.peek();
      return known && verified.get(token, known, now());
    },
    recognizes: (text) => FORM.test(text),
    verify(token, waitUntil) {
      const known = keys.recall(waitUntil);
      const principal = known && verified.get(token, known, now());
      return principal ?? verifyNew(token, waitUntil);
    },
  };
}

function refused(problem: string): ApiError {
  return new ApiError("unauthorized", `The token ${problem}.`, {
    details: { reason: "invalid_token" },
  });
}

function toRefusal(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const problem =
    error instanceof errors.JWSSignatureVerificationFailed
      ? "has a signature that is not the issuer's"
      : "cannot be verified";
  const { message, details } = refused(problem);
  return new ApiError("unauthorized", message, { cause: error, ...(details && { details }) });
}
