import type { CachePolicy, CacheReport, MissReason } from "../domain/cache-control.ts";
import type { Call } from "../domain/call.ts";
import { ApiError } from "../domain/errors.ts";
import type { PublishedModel } from "../domain/published-model.ts";

/** Why a call does not use the cache; `undefined` when it does. */
export type BypassOf = (
  model: PublishedModel,
  policy: CachePolicy,
) => Extract<MissReason, "disabled" | "no-store"> | undefined;

/** @param enabled whether the deployment caches anything */
export function createBypassOf({ enabled }: { readonly enabled: boolean }): BypassOf {
  return ({ manifest }, { noStore }) => {
    if (!enabled || !manifest.cache.enabled) return "disabled";
    return noStore ? "no-store" : undefined;
  };
}

/**
 * Before anything is looked up, so that the answer takes as long whatever is cached.
 * @throws ApiError `not_cached`
 */
export function refuseHidden({ trace, cache }: Pick<Call, "trace" | "cache">): void {
  if (!trace.hidesCache || !cache.onlyIfCached) return;
  throw new ApiError(
    "not_cached",
    "The request allows only a cached response (only-if-cached), but what is cached of this model is not disclosed: leave the directive out, send a key with the scope admin, or set cache.disclose in the manifest.",
    { details: { reason: "hidden" } },
  );
}

/**
 * RFC 9111, section 5.2.1.7.
 * @throws ApiError `not_cached`
 */
export function refuseIfOnlyCached({ onlyIfCached }: CachePolicy, { reason }: CacheReport): void {
  if (!onlyIfCached) return;
  throw new ApiError(
    "not_cached",
    `The request allows only a cached response (only-if-cached), and there is none: ${reason}.`,
    { details: { reason } },
  );
}

/** Reports that a call does not use the cache. */
export function bypassCache(
  { trace, cache }: Pick<Call, "trace" | "cache">,
  reason: MissReason,
): void {
  trace.cache.outcome = "bypass";
  trace.cache.reason = reason;
  refuseIfOnlyCached(cache, trace.cache);
}
