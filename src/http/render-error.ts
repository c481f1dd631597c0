import type { Context } from "hono";
import { type ApiError, toApiError } from "../domain/errors.ts";
import type { AppEnv } from "./context.ts";
import type { RenderedError } from "./rendered-error.ts";
import { respond } from "./respond.ts";

/** Writes an error in the form of the protocol of a path that no operation has. */
export type RenderUnmatched = (path: string, error: ApiError, requestId: string) => RenderedError;

/**
 * Creates the response to whatever was thrown, in the form of the operation's protocol. Unknown throwables become
 * `internal`, whose cause is only in the event.
 */
export function createErrorHandler(
  renderUnmatched: RenderUnmatched,
): (thrown: unknown, c: Context<AppEnv>) => Response {
  return (thrown, c) => {
    const error = toApiError(thrown);
    const requestId = c.get("requestId");
    const { allow, retryAfterSeconds } = error.details ?? {};
    const headers = c.get("headers");
    if (typeof allow === "string") headers.allow = allow;
    if (typeof retryAfterSeconds === "number") headers["retry-after"] = String(retryAfterSeconds);
    const { contentType, body, compress } =
      c.get("operation")?.renderError(error, requestId) ??
      renderUnmatched(c.req.path, error, requestId);
    return respond(c, body, {
      status: error.kind.status,
      contentType,
      ...(compress !== undefined && { compress }),
    });
  };
}
