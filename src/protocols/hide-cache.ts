import type { Context } from "hono";
import { permits } from "../domain/access/scope.ts";
import { hidesCache } from "../domain/cache-privacy.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import type { AppEnv } from "../http/context.ts";
import type { Services } from "./services.ts";

/** Sets in the trace whether the response must not tell how the cache was used. */
export function hideCache(
  c: Context<AppEnv>,
  model: PublishedModel,
  config: Services["config"],
): void {
  c.get("trace").hidesCache = isCacheHidden(c, model, config);
}

/** Whether this client must not learn how the cache of the model is used; who may do everything sees it always. */
export function isCacheHidden(
  c: Context<AppEnv>,
  { manifest }: PublishedModel,
  { cache }: Services["config"],
): boolean {
  if (cache.tiers.length === 0) return false;
  const principal = c.get("principal");
  const isIdentified = principal !== undefined && principal.kind !== "anonymous";
  return (
    hidesCache(manifest, isIdentified || c.req.header("authorization") !== undefined) &&
    !(principal && permits(principal.scopes, "admin"))
  );
}
