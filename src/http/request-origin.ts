import type { Context } from "hono";
import type { RequestOrigin } from "../domain/request-event.ts";
import type { AppEnv } from "./context.ts";

/** ISO 3166-1 alpha-2, and Cloudflare's own codes: `T1` for Tor, `XX` for unknown. */
const COUNTRY = /^[A-Z][A-Z0-9]$/;
/** Such as `230b030023ae2822-SJC`: the data center is that which the request has reached. */
const RAY = /-([A-Z]{3})$/;

/**
 * Where a request came from and arrived, by the headers that the platform sets. It has the same in `request.cf`, about two kilobytes of
 * JSON which are parsed when they are first looked at: that is where it is read of requests without these headers.
 */
export function originOf(c: Context<AppEnv>): RequestOrigin {
  const ray = c.req.header("cf-ray");
  const country = c.req.header("cf-ipcountry");
  if (ray !== undefined && country !== undefined)
    return { colo: RAY.exec(ray)?.[1], country: COUNTRY.test(country) ? country : undefined };
  const { colo, country: known } = (c.req.raw.cf as RequestOrigin | undefined) ?? {};
  return { colo, country: known };
}
