import { decodeJwt, decodeProtectedHeader } from "jose";
import type { TokenSettings } from "../../domain/access/token-settings.ts";
import { quote } from "../../shared/quote.ts";
import type { TokenKind } from "./token-kind.ts";

/**
 * Characters of a token. Tokens of issuers have 500 to 3000; Microsoft's with the most groups that they may have, 200, about 11,000 in
 * all forms.
 */
const MAX_TOKEN_LENGTH = 16_384;

/** Asymmetric ones: whoever can verify a token by these cannot make one. */
export const ALGORITHMS: readonly string[] = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

/** Types of tokens that are credentials (RFC 7519, RFC 9068); others, such as `logout+jwt`, may have the same audience. */
const TYPES = new Set(["jwt", "at+jwt"]);

/** Clocks of issuers and of the platform differ a little. */
export const TOLERANCE_SECONDS = 30;

/**
 * What is wrong with a token as far as that is visible without its key; `undefined` if nothing is. So what is wrong for everybody to see
 * costs neither a signature nor a request to the issuer.
 * @param now in seconds since the epoch
 */
export function problemOfUnverified(
  token: string,
  { issuer, audiences }: TokenSettings,
  kind: TokenKind,
  now: number,
): string | undefined {
  if (token.length > MAX_TOKEN_LENGTH)
    return `has ${token.length} characters: at most ${MAX_TOKEN_LENGTH}`;
  const parts = decode(token);
  if (!parts) return "is no signed JWT";
  const { header, claims } = parts;
  const { alg, typ } = header;
  if (typeof alg !== "string" || !ALGORITHMS.includes(alg))
    return `has the algorithm ${quote(String(alg))}; accepted are ${ALGORITHMS.join(", ")}`;
  const type = typeof typ === "string" ? typ.toLowerCase().replace(/^application\//, "") : "";
  if (typ !== undefined && !TYPES.has(type))
    return `has the type ${quote(String(typ))}; expected JWT or at+jwt`;
  const { iss, aud, exp, nbf } = claims;
  if (iss !== issuer)
    return `is of the issuer ${typeof iss === "string" ? quote(iss) : "(none)"}; expected ${quote(issuer)}`;
  const names: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (!audiences.some((audience) => names.includes(audience)))
    return `is for another audience ("aud"); expected one of ${kind.audienceSetting}`;
  if (typeof exp !== "number") return 'does not expire ("exp")';
  if (exp <= now - TOLERANCE_SECONDS) return 'has expired ("exp")';
  if (nbf !== undefined && (typeof nbf !== "number" || nbf > now + TOLERANCE_SECONDS))
    return 'is not valid yet ("nbf")';
  if (!kind.subjectOf(claims)) return 'names no subject ("sub")';
  return kind.problemOf(claims);
}

function decode(token: string) {
  try {
    return { header: decodeProtectedHeader(token), claims: decodeJwt(token) };
  } catch {
    return undefined;
  }
}
