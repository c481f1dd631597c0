import type { Context } from "hono";
import { parseCacheControl } from "../domain/cache-control.ts";
import { ApiError } from "../domain/errors.ts";
import type { AppEnv } from "../middleware/context.ts";
import type { Catalog, PublishedModel } from "../services/catalog.ts";
import type { RequestContext } from "../services/predict.ts";

/**
 * The published version that the path names, or of a model that the body names; noted in the trace and in
 * `x-model-version`.
 */
export async function resolveModel(
  c: Context<AppEnv>,
  catalog: Catalog,
  name = c.req.param("model") ?? "",
): Promise<PublishedModel> {
  const version = c.req.param("version");
  const published = await c.get("trace").measureAsync("resolve", () =>
    catalog.resolve(name, version).catch((error: unknown) => {
      noteUnreadable(c, error);
      throw error;
    }),
  );
  return noteModel(c, published);
}

/** Names the version that answers in the trace and in `x-model-version`. */
export function noteModel(c: Context<AppEnv>, published: PublishedModel): PublishedModel {
  const trace = c.get("trace");
  trace.model = published.name;
  trace.version = published.version;
  c.get("headers")["x-model-version"] = published.version;
  return published;
}

/** A published version that cannot be read is named in the event as well; an invented one is not. */
function noteUnreadable(c: Context<AppEnv>, error: unknown): void {
  if (!(error instanceof ApiError) || error.kind.status < 500) return;
  const { model, version } = error.details ?? {};
  const trace = c.get("trace");
  if (typeof model === "string") trace.model = model;
  if (typeof version === "string") trace.version = version;
}

/** What the services need of this request. */
export function requestContext(c: Context<AppEnv>): RequestContext {
  return {
    trace: c.get("trace"),
    ticket: c.get("ticket"),
    control: parseCacheControl(c.req.header("cache-control")),
    client: () => clientId(c.req.header("authorization")),
    waitUntil: (work) => c.executionCtx.waitUntil(work),
  };
}

/** Whose request it is, for what is kept apart by API key: the key itself is never kept. */
async function clientId(authorization: string | undefined): Promise<string> {
  if (!authorization) return "anonymous";
  const key = authorization.replace(/^bearer +/i, "");
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key));
  return new Uint8Array(digest, 0, 8).toHex();
}
