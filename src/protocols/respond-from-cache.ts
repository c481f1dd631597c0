import type { Context, MiddlewareHandler } from "hono";
import { createCacheReport } from "../domain/cache-control.ts";
import { type ModelReference, parseModelReference } from "../domain/model-id.ts";
import { authorizeModel } from "../http/authenticate.ts";
import { callOf } from "../http/call.ts";
import type { AppEnv } from "../http/context.ts";
import { traitsOf } from "../http/request-traits.ts";
import { respondCached } from "../http/respond.ts";
import { readSubject } from "../http/subject.ts";
import { hideCache } from "./hide-cache.ts";
import { pathReference, recordModel } from "./resolve-model.ts";
import type { Services } from "./services.ts";

/** What identifies the requests of an operation in the response cache, besides operation, model and body. */
export interface RequestIdentity {
  /**
   * Everything else in a request that affects the response, such as headers and the query. Parts are separated by line
   * breaks, and their number is the same for all requests of an operation.
   */
  variesBy(c: Context<AppEnv>): string;
  /** The model that the path names, where its form is not that of {@link pathReference}. */
  reference?(c: Context<AppEnv>): ModelReference;
  /** The reference to the model in the body, for paths without it; `undefined` if the body has none. */
  modelIn?(body: Uint8Array): string | undefined;
  /** The same without parsing a large body: admission uses it to expect the request's time, so it may be wrong. */
  guessModel?(body: Uint8Array): string | undefined;
}

/**
 * Middleware between `admit` and `acquirePermit`: sends the stored response to a small request that is identical to an
 * earlier one, without queueing it, because that takes almost no time. For other requests, `resolveModel` uses the version
 * that was resolved here, and `respondBytes` stores the response.
 * @param identity `undefined` for an operation whose responses are not stored
 */
export function respondFromCache(
  {
    cache,
    config,
    router,
    responseCache,
    subjects,
  }: Pick<Services, "cache" | "config" | "router" | "responseCache" | "subjects">,
  operationId: string,
  identity: RequestIdentity | undefined,
): MiddlewareHandler<AppEnv> {
  const { variesBy, modelIn, reference: inPath = pathReference } = identity ?? {};
  return async function respondFromCache(c, next) {
    c.set("hideCache", (model) => hideCache(c, model, config));
    const reading = readSubject(c, subjects);
    if (reading !== undefined) await reading;
    const call = callOf(c);
    const body = c.get("body");
    // The entries of a subject are of its own, which no stored response is.
    if (!variesBy || c.get("subject") || !responseCache.accepts(call.cache, body.byteLength)) {
      // Whoever looks nothing up learns of erasures all the same.
      void cache.refreshPurges(createCacheReport(), call.waitUntil);
      return next();
    }
    const reference = modelIn ? parseModelReference(modelIn(body) ?? "") : inPath(c);
    authorizeModel(c, reference.name);
    const model = router.recall(reference, traitsOf(c));
    if (!model) return next();
    c.set("model", model);
    // Each request whose model has a shadow is run, so that it can be copied.
    if (model.shadow || !responseCache.stores(model)) return next();
    hideCache(c, model, config);
    if (c.get("trace").hidesCache && call.cache.onlyIfCached) return next();
    // A model that only the body names is recorded by requests that are valid.
    if (!modelIn) recordModel(c, model);
    // The stored headers name the alias.
    const operation = model.alias === undefined ? operationId : `${operationId}@${model.alias}`;
    const found = responseCache.lookup(model, `${operation} ${variesBy(c)}`, body, call);
    const lookup = found instanceof Promise ? await found : found;
    if (lookup?.response) {
      recordModel(c, model);
      return respondCached(c, lookup.response);
    }
    c.set("responseLookup", lookup);
    return next();
  };
}
