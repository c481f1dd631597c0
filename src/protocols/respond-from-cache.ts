import type { Context, MiddlewareHandler } from "hono";
import type { PublishedModel } from "../domain/published-model.ts";
import { callOf } from "../http/call.ts";
import type { AppEnv } from "../http/context.ts";
import { plainLength, readBody } from "../http/read-body.ts";
import { respondCached } from "../http/respond.ts";
import { noteModel } from "./resolve-model.ts";
import type { Services } from "./services.ts";

/**
 * The name of the operation, and all of the request beside its body that decides how it is answered. The parts are separated
 * by line breaks, and an operation has always as many of them.
 */
export type RequestForm = (c: Context<AppEnv>) => string;

/**
 * For operations whose path names the model, between `admit` and `acquirePermit`: answers a small request that is identical to
 * an earlier one with the stored response. It acquires no permit, because the response takes next to no time.
 * `resolveModel` and `respondBytes` do the rest for all other requests: they use the version that was resolved here,
 * and store the response.
 */
export function respondFromCache(
  services: Pick<Services, "config" | "catalog" | "responseCache">,
  toForm: RequestForm,
): MiddlewareHandler<AppEnv> {
  const { catalog } = services;
  return async function respondFromCache(c, next) {
    const published = catalog.recall(c.req.param("model") ?? "", c.req.param("version"));
    if (!published) return next();
    c.set("published", published);
    return (await findStoredResponse(c, services, published, toForm)) ?? next();
  };
}

/**
 * The stored response to an identical request. Without one, and unless the body is too large to be looked up,
 * `respondBytes` stores the response to this request.
 * @throws ApiError of `readBody`
 */
export async function findStoredResponse(
  c: Context<AppEnv>,
  { config, responseCache }: Pick<Services, "config" | "responseCache">,
  published: PublishedModel,
  toForm: RequestForm,
): Promise<Response | undefined> {
  const call = callOf(c);
  const length = plainLength(c);
  if (!responseCache.accepts(published, call.cache, length)) return undefined;
  noteModel(c, published);
  const body = await readBody(c, config.maxBodyBytes, length);
  const found = responseCache.lookup(published, toForm(c), body, call);
  const lookup = found instanceof Promise ? await found : found;
  if (lookup?.response) return respondCached(c, lookup.response);
  c.set("responseLookup", lookup);
  return undefined;
}
