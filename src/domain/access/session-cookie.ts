/**
 * The cookie of a session of the dashboard. By its prefix browsers accept it only over https, for this host alone and for all paths
 * (RFC 6265bis, section 4.1.3.2).
 */
export const SESSION_COOKIE = "__Host-onnxflare";

/** What a cookie says, which is not verified yet. */
export interface SessionClaim {
  /** The id of an API key; `undefined` for the admin key. */
  readonly keyId: string | undefined;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
  /** A keyed digest of the key's secret, in base64url. */
  readonly binding: string;
  /** HMAC-SHA-256 of all before it, in base64url. */
  readonly mac: string;
}

const ADMIN = "admin";
const VALUE = /^v1\.(admin|[0-9A-Za-z]{12})\.([1-9][0-9]{9})\.([\w-]{43})\.([\w-]{43})$/;
/** A browser sends every cookie of the host. */
const MAX_HEADER_LENGTH = 8192;

/** What the MAC covers. */
export function signedPart({ keyId, expiresAt, binding }: Omit<SessionClaim, "mac">): string {
  return `v1.${keyId ?? ADMIN}.${expiresAt}.${binding}`;
}

/**
 * The session in the header `Cookie`.
 * @returns `undefined` without one; also for two of them, of which nobody knows who has set the other
 */
export function readSessionCookie(header: string | undefined): SessionClaim | undefined {
  if (header === undefined || header.length > MAX_HEADER_LENGTH) return undefined;
  const values = header
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${SESSION_COOKIE}=`))
    .map((pair) => pair.slice(SESSION_COOKIE.length + 1));
  const [, id, expiresAt, binding = "", mac = ""] = VALUE.exec(values[0] ?? "") ?? [];
  if (values.length !== 1 || mac === "") return undefined;
  return { keyId: id === ADMIN ? undefined : id, expiresAt: Number(expiresAt), binding, mac };
}

const ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Strict";

/** The value of `Set-Cookie` that begins a session. */
export function toSessionCookie(claim: SessionClaim, maxAgeSeconds: number): string {
  return `${SESSION_COOKIE}=${signedPart(claim)}.${claim.mac}; Max-Age=${maxAgeSeconds}; ${ATTRIBUTES}`;
}

/** The value of `Set-Cookie` that ends the session of the browser. */
export const NO_SESSION_COOKIE = `${SESSION_COOKIE}=; Max-Age=0; ${ATTRIBUTES}`;
