import type { Context } from "hono";
import type { ApiError } from "../domain/errors.ts";
import type { AppEnv } from "./context.ts";
import { toHeaderText, withoutInputs } from "./error-message-header.ts";
import type { RenderedError } from "./rendered-error.ts";
import { respond } from "./respond.ts";
import { scrubError } from "./scrub-reply.ts";

/** Renders an error of a path that matches no operation, in the form of the protocol at that path. */
export type RenderUnmatched = (path: string, error: ApiError, requestId: string) => RenderedError;

/**
 * Creates the response for a thrown value, in the form of the operation's protocol. Unknown throwables become
 * `internal`; only the event has their cause.
 */
export function createErrorHandler(
  renderUnmatched: RenderUnmatched,
): (thrown: unknown, c: Context<AppEnv>) => Response {
  return (thrown, c) => {
    const error = scrubError(c, thrown);
    const requestId = c.get("requestId");
    const { allow, retryAfterSeconds } = error.details ?? {};
    const headers = c.get("headers");
    if (typeof allow === "string") headers.allow = allow;
    if (typeof retryAfterSeconds === "number") headers["retry-after"] = String(retryAfterSeconds);
    const challenge = toChallenge(error);
    if (challenge !== undefined) headers["www-authenticate"] = challenge;
    const render = c.get("operation")?.renderError ?? c.get("renderError");
    const rendered = render?.(error, requestId) ?? renderUnmatched(c.req.path, error, requestId);
    const { contentType, body, compress, messageHeader } = rendered;
    Object.assign(headers, rendered.headers);
    if (messageHeader !== undefined)
      headers["x-error-message"] = toHeaderText(withoutInputs(messageHeader, c.get("body")));
    return respond(c, body, {
      status: error.kind.status,
      contentType,
      ...(compress !== undefined && { compress }),
    });
  };
}

/** `www-authenticate` of RFC 6750: which credentials are needed, and what is wrong with those that were sent. */
function toChallenge({ code, details }: ApiError): string | undefined {
  const { reason, scope } = details ?? {};
  if (code === "unauthorized")
    return reason === "invalid_token" ? 'Bearer error="invalid_token"' : "Bearer";
  if (code === "forbidden" && typeof scope === "string")
    return `Bearer error="insufficient_scope", scope="${scope}"`;
  return undefined;
}
