import type { Context, MiddlewareHandler } from "hono";
import { callOf } from "../http/call.ts";
import type { AppEnv } from "../http/context.ts";
import { plainLength, readBody } from "../http/read-body.ts";
import { respondCached } from "../http/respond.ts";
import { noteModel } from "./resolve-model.ts";
import type { Services } from "./services.ts";

/** What identifies the requests of an operation in the response cache, beside their model and their body. */
export interface RequestIdentity {
  /**
   * The name of the operation, and all else of a request that decides how it is answered. The parts are separated by line
   * breaks, and an operation has always as many of them.
   */
  form(c: Context<AppEnv>): string;
  /** The name of the model in the body, where the path does not name it; `undefined` where the body has none. */
  modelIn?(body: Uint8Array): string | undefined;
}

/**
 * Middleware between `admit` and `acquirePermit`: answers a small request that is identical to an earlier one with the stored
 * response. It acquires no permit, because that takes next to no time.
 * `resolveModel` and `respondBytes` do the rest for other requests: they use the version that was resolved here, and store the
 * response.
 */
export function respondFromCache(
  { config, catalog, responseCache }: Pick<Services, "config" | "catalog" | "responseCache">,
  { form, modelIn }: RequestIdentity,
): MiddlewareHandler<AppEnv> {
  return async function respondFromCache(c, next) {
    const call = callOf(c);
    const length = plainLength(c);
    if (!responseCache.accepts(call.cache, length)) return next();
    const read = (): Promise<Uint8Array> => readBody(c, config.maxBodyBytes, length);
    const name = modelIn ? modelIn(await read()) : c.req.param("model");
    const published = catalog.recall(name ?? "", c.req.param("version"));
    if (!published) return next();
    c.set("published", published);
    if (!responseCache.stores(published)) return next();
    noteModel(c, published);
    const found = responseCache.lookup(published, form(c), await read(), call);
    const lookup = found instanceof Promise ? await found : found;
    if (lookup?.response) return respondCached(c, lookup.response);
    c.set("responseLookup", lookup);
    return next();
  };
}
