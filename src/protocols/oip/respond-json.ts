import type { Context } from "hono";
import type { AppEnv } from "../../http/context.ts";
import { respond } from "../../http/respond.ts";

/**
 * Sends a response uncompressed, as every one without tensors: tritonclient's asyncio client accepts gzip, but does not
 * decompress it.
 */
export function respondJson(c: Context<AppEnv>, value: object, status: 200 | 503 = 200): Response {
  return respond(c, JSON.stringify(value), { status, compress: false });
}
