import type { Context, MiddlewareHandler } from "hono";
import { ANY_ORIGIN } from "../domain/web-origin.ts";
import type { AppEnv } from "./context.ts";
import { responseHeaders } from "./respond.ts";

/** Methods of the routes that pages of other origins may call. */
const METHODS = "GET, HEAD, POST";

/** Headers of requests that every client may send; a preflight is answered with these and what it asks for. */
const REQUEST_HEADERS = [
  "accept",
  "authorization",
  "cache-control",
  "content-encoding",
  "content-type",
  "if-match",
  "if-none-match",
  "inference-header-content-length",
  "traceparent",
  "tracestate",
  "x-request-id",
  "x-sticky-key",
  "x-subject-id",
  "x-timeout-ms",
];

/** Headers of responses that pages may read beside those that the Fetch standard always shows them. */
export const EXPOSED_HEADERS: readonly string[] = [
  "age",
  "allow",
  "cache-status",
  "content-encoding",
  "content-length",
  "etag",
  "inference-header-content-length",
  "location",
  "ratelimit",
  "ratelimit-policy",
  "retry-after",
  "server-timing",
  "traceresponse",
  "www-authenticate",
  "x-error-message",
  "x-model-alias",
  "x-model-version",
  "x-ratelimit-limit-requests",
  "x-ratelimit-limit-tokens",
  "x-ratelimit-remaining-requests",
  "x-ratelimit-remaining-tokens",
  "x-ratelimit-reset-requests",
  "x-ratelimit-reset-tokens",
  "x-request-id",
  "x-should-retry",
];

/** Browsers keep the answer to a preflight for two hours (Chromium) or a day (Firefox) at most. */
const MAX_AGE_SECONDS = "86400";
const MAX_REQUEST_HEADERS_LENGTH = 2048;
const HEADER_NAMES = /^[\w!#$%&'*+.^`|~-]+(?:\s*,\s*[\w!#$%&'*+.^`|~-]+)*$/;

export interface Cors {
  /** To be registered before every other middleware: adds the headers to whatever response there is. */
  readonly addHeaders: MiddlewareHandler<AppEnv>;
  /** Answers preflights, before anything is admitted, authenticated or routed. */
  readonly answerPreflight: MiddlewareHandler<AppEnv>;
}

/**
 * Lets pages of other origins call the API (the CORS protocol of https://fetch.spec.whatwg.org/#http-cors-protocol).
 * Credentials are never allowed: keys are sent in `Authorization` by the page itself, and the only cookie, the session of the
 * dashboard, counts on admin routes alone, which are not for other origins.
 *
 * Not hono/cors: it sets headers before the response exists, and Hono then makes a new `Response` of it, without
 * `encodeBody: "manual"`, so that the runtime compresses a compressed body again.
 * @param origins those allowed, or `*`
 * @param isExcluded whether a path is only for pages of the server's own origin
 */
export function createCors(
  origins: readonly string[],
  isExcluded: (path: string) => boolean,
): Cors {
  const allowsAny = origins.includes(ANY_ORIGIN);

  /** The value of `access-control-allow-origin`; `undefined` for a request that is not allowed, or of the own origin. */
  function allowedOrigin(c: Context<AppEnv>): string | undefined {
    const origin = c.req.header("origin");
    if (origin === undefined || isExcluded(c.req.path)) return undefined;
    if (allowsAny) return ANY_ORIGIN;
    return origins.includes(origin) ? origin : undefined;
  }

  return {
    addHeaders: async function addCorsHeaders(c, next) {
      await next();
      const { headers } = c.res;
      // Also without an origin: what a shared cache stores must not be sent to pages.
      if (!allowsAny) headers.append("vary", "origin");
      const origin = allowedOrigin(c);
      if (origin === undefined) return;
      headers.set("access-control-allow-origin", origin);
      headers.set("access-control-expose-headers", EXPOSED_HEADERS.join(", "));
    },

    answerPreflight: async function answerPreflight(c, next) {
      const isPreflight =
        c.req.method === "OPTIONS" && c.req.header("access-control-request-method") !== undefined;
      if (!isPreflight || allowedOrigin(c) === undefined) return next();
      const headers = responseHeaders(c, "");
      delete headers["content-type"];
      headers["access-control-allow-methods"] = METHODS;
      headers["access-control-allow-headers"] = allowedHeaders(
        c.req.header("access-control-request-headers"),
      );
      headers["access-control-max-age"] = MAX_AGE_SECONDS;
      headers.vary = "access-control-request-headers";
      return new Response(null, { status: 204, headers });
    },
  };
}

/** Without credentials, a header that is not known has no power, and clients send headers of their own. */
function allowedHeaders(requested = ""): string {
  const isList = requested.length <= MAX_REQUEST_HEADERS_LENGTH && HEADER_NAMES.test(requested);
  const names = isList ? requested.toLowerCase().split(/\s*,\s*/) : [];
  return [...new Set([...REQUEST_HEADERS, ...names])].join(", ");
}
