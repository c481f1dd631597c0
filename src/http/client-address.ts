import type { Context } from "hono";
import type { AppEnv } from "./context.ts";

/** That of all requests that Workers of other zones send over the internet. */
const WORKERS_ADDRESS = "2a06:98c0:3600::103";
const ZONE = /^[a-z0-9.-]{1,253}$/i;

/**
 * Where a request comes from: the IP address, and of a Worker `worker` and the zone that owns it, so that one Worker that guesses keys
 * or sends too much does not keep all others waiting. Cloudflare sets both headers, whatever the client sends.
 * @returns `undefined` where it is not known, as on a local server
 */
export function clientAddress(c: Context<AppEnv>): string | undefined {
  const address = c.req.header("cf-connecting-ip");
  if (!address) return undefined;
  if (address !== WORKERS_ADDRESS) return address;
  const zone = c.req.header("cf-worker");
  return zone !== undefined && ZONE.test(zone) ? `worker ${zone.toLowerCase()}` : address;
}
