import type { MiddlewareHandler } from "hono";
import { ApiError } from "../domain/errors.ts";
import { sha256 } from "../shared/sha256.ts";
import type { AppEnv } from "./context.ts";

/**
 * Lets only requests with `Authorization: Bearer <admin key>` pass. Without a key configured nobody
 * passes.
 */
export function requireAdmin(adminKey: string | undefined): MiddlewareHandler<AppEnv> {
  return async function requireAdmin(c, next) {
    const [scheme, key] = (c.req.header("authorization") ?? "").split(" ", 2);
    const given = scheme?.toLowerCase() === "bearer" ? key : undefined;
    if (!adminKey || !given || !(await isEqual(given, adminKey))) {
      c.get("headers")["www-authenticate"] = "Bearer";
      throw new ApiError(
        "unauthorized",
        adminKey
          ? "This route needs the header Authorization: Bearer <admin key>."
          : "This route is closed: the secret ADMIN_KEY is not set.",
      );
    }
    await next();
  };
}

/** Compares digests, so that the time taken tells neither the key's length nor its beginning. */
async function isEqual(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([sha256(a), sha256(b)]);
  return crypto.subtle.timingSafeEqual(left, right);
}
