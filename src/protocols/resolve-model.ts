import type { Context } from "hono";
import { ApiError } from "../domain/errors.ts";
import { parseModelReference } from "../domain/model-id.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import type { AppEnv } from "../http/context.ts";
import type { Catalog } from "../registry/catalog.ts";

/** Resolves the version that the path names, or the newest one, and records it in the trace and in `x-model-version`. */
export function resolveModel(c: Context<AppEnv>, catalog: Catalog): Promise<PublishedModel> {
  return resolveVersion(c, catalog, c.req.param("model") ?? "", c.req.param("version"));
}

/** Resolves `name` or `name@version`, and records it as {@link resolveModel} does. */
export function resolveReference(
  c: Context<AppEnv>,
  catalog: Catalog,
  reference = c.req.param("model") ?? "",
): Promise<PublishedModel> {
  const { name, version } = parseModelReference(reference);
  return resolveVersion(c, catalog, name, version);
}

/** Resolves this version, or the newest one without any, and records it as {@link resolveModel} does. */
export async function resolveVersion(
  c: Context<AppEnv>,
  catalog: Catalog,
  name: string,
  version: string | undefined,
): Promise<PublishedModel> {
  const model = await c.get("trace").measureAsync("resolve", () =>
    resolveOnce(c, catalog, name, version).catch((error: unknown) => {
      recordUnreadable(c, error);
      throw error;
    }),
  );
  await c.get("hideCache")?.(model);
  return recordModel(c, model);
}

/** Uses the version that `respondFromCache` resolved, if it did. */
async function resolveOnce(
  c: Context<AppEnv>,
  catalog: Catalog,
  name: string,
  version: string | undefined,
): Promise<PublishedModel> {
  const model = c.get("model");
  const isResolved = model?.name === name && (version ?? model.version) === model.version;
  return isResolved ? model : catalog.resolve(name, version);
}

/** Records the version in the trace and in `x-model-version`. */
export function recordModel(c: Context<AppEnv>, model: PublishedModel): PublishedModel {
  const trace = c.get("trace");
  trace.model = model.name;
  trace.version = model.version;
  c.get("headers")["x-model-version"] = model.version;
  return model;
}

/** Records a published version that cannot be read, for the event; a version that does not exist is not recorded. */
function recordUnreadable(c: Context<AppEnv>, error: unknown): void {
  if (!(error instanceof ApiError) || error.kind.status < 500) return;
  const { model, version } = error.details ?? {};
  const trace = c.get("trace");
  if (typeof model === "string") trace.model = model;
  if (typeof version === "string") trace.version = version;
}
