import type { MiddlewareHandler } from "hono";
import { ApiError } from "../domain/errors.ts";
import { clip } from "../shared/quote.ts";

/** The answer of a path to every method that it does not have; comes after its own handlers. */
export function methodNotAllowed(...allowed: readonly string[]): MiddlewareHandler {
  return async function methodNotAllowed(c) {
    throw new ApiError(
      "method_not_allowed",
      `${c.req.method} is not a method of ${clip(c.req.path)}: use ${allowed.join(" or ")}.`,
      { details: { allow: allowed.join(", ") } },
    );
  };
}
