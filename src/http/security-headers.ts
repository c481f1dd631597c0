import type { Context } from "hono";
import { ANY_ORIGIN } from "../domain/web-origin.ts";
import type { AppEnv } from "./context.ts";

/** A year: browsers that have used the server over https once do not use it over http again (RFC 6797). */
const HSTS = "max-age=31536000";
const HSTS_HEADER = "strict-transport-security";

export type SecurityHeaders = (c: Context<AppEnv>) => Record<string, string>;

/**
 * The headers with which every response begins, also those of errors, streams and preflights. Responses are data: no browser
 * guesses another type, renders or frames them, or sends a URL of them to other sites. Pages replace the policy by their own.
 *
 * They are properties of the object that `respond` makes the response of, so that they cost no call into the runtime.
 * @param corsOrigins whose pages may call the API; a page that may not read a response may not embed it either, and `*` is all
 */
export function createSecurityHeaders(corsOrigins: readonly string[]): SecurityHeaders {
  const always = Object.freeze({
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": corsOrigins.includes(ANY_ORIGIN)
      ? "cross-origin"
      : "same-origin",
  });
  return (c) => (isSecure(c) ? { ...always, [HSTS_HEADER]: HSTS } : { ...always });
}

/** Over http the header has no meaning, and must not be sent. */
export function isSecure(c: Context<AppEnv>): boolean {
  return c.req.url.startsWith("https:");
}

/** Sets or removes what depends on the connection, in headers that were stored for another request. */
export function setTransportSecurity(headers: Headers, secure: boolean): void {
  if (secure) headers.set(HSTS_HEADER, HSTS);
  else headers.delete(HSTS_HEADER);
}
