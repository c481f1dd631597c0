import type { Context } from "hono";
import type { AppEnv } from "../../http/context.ts";
import { respond } from "../../http/respond.ts";

/**
 * Every response but tensors is sent as it is: tritonclient's asyncio client accepts gzip, and does
 * not decompress.
 */
export function respondJson(c: Context<AppEnv>, value: object, status: 200 | 503 = 200): Response {
  return respond(c, JSON.stringify(value), { status, compress: false });
}
