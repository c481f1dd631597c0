import type { Context } from "hono";
import { ApiError } from "../domain/errors.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import type { AppEnv } from "../http/context.ts";
import type { Catalog } from "../registry/catalog.ts";

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
    resolveOnce(c, catalog, name, version).catch((error: unknown) => {
      noteUnreadable(c, error);
      throw error;
    }),
  );
  return noteModel(c, published);
}

/** A version that `respondFromCache` resolved is not resolved again. */
async function resolveOnce(
  c: Context<AppEnv>,
  catalog: Catalog,
  name: string,
  version: string | undefined,
): Promise<PublishedModel> {
  const known = c.get("published");
  return known?.name === name ? known : catalog.resolve(name, version);
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
