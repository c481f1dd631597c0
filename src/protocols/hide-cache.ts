import type { Context } from "hono";
import { hidesCache } from "../domain/cache-privacy.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import type { AppEnv } from "../http/context.ts";
import { hasAdminKey } from "../http/require-admin.ts";
import type { Services } from "./services.ts";

/** Sets in the trace whether the response must not tell how the cache was used. */
export async function hideCache(
  c: Context<AppEnv>,
  model: PublishedModel,
  config: Services["config"],
): Promise<void> {
  c.get("trace").hidesCache = await isCacheHidden(c, model, config);
}

/** Whether this client must not learn how the cache of the model is used; the admin key sees it always. */
export async function isCacheHidden(
  c: Context<AppEnv>,
  { manifest }: PublishedModel,
  { adminKey, cache }: Services["config"],
): Promise<boolean> {
  const authorization = c.req.header("authorization");
  return (
    cache.tiers.length > 0 &&
    hidesCache(manifest, authorization !== undefined) &&
    !(await hasAdminKey(authorization, adminKey))
  );
}
