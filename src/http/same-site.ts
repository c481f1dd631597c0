import type { Context, MiddlewareHandler, Next } from "hono";
import { isFromOtherSite } from "../domain/access/other-site.ts";
import { ApiError } from "../domain/errors.ts";
import type { AppEnv } from "./context.ts";
import { isSecure } from "./security-headers.ts";

/**
 * Refuses requests that pages of other origins make, whatever credential they have: browsers add cookies, and those of
 * Cloudflare Access, by themselves (cross-site request forgery). A server with `CORS_ORIGINS` refuses them as well.
 */
export function refuseOtherSites(): MiddlewareHandler<AppEnv> {
  return async function refuseOtherSites(c, next) {
    const header = (name: string): string | undefined =>
      c.req.header(name) ?? (name === "host" ? new URL(c.req.url).host : undefined);
    if (isFromOtherSite(header, isSecure(c)))
      throw new ApiError(
        "forbidden",
        "This route is not for pages of other sites: call it from a page of this server, or without a browser.",
      );
    await next();
  };
}

/** Keeps responses out of every cache, that of a browser with a session too. */
export async function neverStored(c: Context<AppEnv>, next: Next): Promise<void> {
  c.get("headers")["cache-control"] = "no-store";
  await next();
}
