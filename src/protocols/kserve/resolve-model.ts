import type { Context } from "hono";
import type { PublishedModel } from "../../domain/published-model.ts";
import type { AppEnv } from "../../http/context.ts";
import type { Catalog } from "../../registry/catalog.ts";
import { resolveVersion } from "../resolve-model.ts";

/** The version by which `ovmsclient` requests the newest one. */
const NEWEST = "0";

/** Resolves the version that the path names; without one, and for version 0, the newest one. */
export function resolveModel(c: Context<AppEnv>, catalog: Catalog): Promise<PublishedModel> {
  const version = c.req.param("version");
  const name = c.req.param("model") ?? "";
  return resolveVersion(c, catalog, name, version === NEWEST ? undefined : version);
}
