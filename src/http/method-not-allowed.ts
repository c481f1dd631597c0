import type { MiddlewareHandler } from "hono";
import { getPathNoStrict } from "hono/utils/url";
import { ApiError } from "../domain/errors.ts";
import { clip } from "../shared/quote.ts";

/** Refuses every method that a path does not support; to be registered after the path's own handlers. */
export function methodNotAllowed(...allowed: readonly string[]): MiddlewareHandler {
  return async function methodNotAllowed(c) {
    throw new ApiError(
      "method_not_allowed",
      `${clip(getPathNoStrict(c.req.raw))} does not support ${c.req.method}: use ${allowed.join(" or ")}.`,
      { details: { allow: allowed.join(", ") } },
    );
  };
}
