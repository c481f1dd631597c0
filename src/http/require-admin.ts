import type { MiddlewareHandler } from "hono";
import { ApiError } from "../domain/errors.ts";
import { sha256 } from "../shared/sha256.ts";
import type { AppEnv } from "./context.ts";

/** The scheme in any case, and then the whole key, which may have spaces. */
const BEARER = /^bearer (.*)$/is;

/**
 * Refuses requests without `Authorization: Bearer <admin key>`, and all requests when no key is
 * configured.
 */
export function requireAdmin(adminKey: string | undefined): MiddlewareHandler<AppEnv> {
  return async function requireAdmin(c, next) {
    if (!(await hasAdminKey(c.req.header("authorization"), adminKey))) {
      c.get("headers")["www-authenticate"] = "Bearer";
      throw new ApiError(
        "unauthorized",
        adminKey
          ? "This route requires the header Authorization: Bearer <admin key>."
          : "This route is disabled: the secret ADMIN_KEY is not set.",
      );
    }
    await next();
  };
}

/** Whether the header `Authorization` has the admin key. */
export async function hasAdminKey(
  authorization: string | undefined,
  adminKey: string | undefined,
): Promise<boolean> {
  const given = BEARER.exec(authorization ?? "")?.[1];
  return adminKey && given ? isEqual(given, adminKey) : false;
}

/** Compares digests in constant time, so that the duration reveals neither the key's length nor its beginning. */
async function isEqual(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([sha256(a), sha256(b)]);
  return crypto.subtle.timingSafeEqual(left, right);
}
