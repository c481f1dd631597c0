import type { Context } from "hono";
import type { RoutedModel } from "../../domain/published-model.ts";
import type { AppEnv } from "../../http/context.ts";
import type { Router } from "../../registry/routing/router.ts";
import { pathReference, resolve } from "../resolve-model.ts";

/** The version by which `ovmsclient` requests the default one. */
const DEFAULT_VERSION = "0";

/** Resolves the version that the path names; without one, and for version 0, that of the alias or the default. */
export function resolveModel(c: Context<AppEnv>, router: Router): Promise<RoutedModel> {
  const version = c.req.param("version");
  return resolve(c, router, () =>
    pathReference(c, version === DEFAULT_VERSION ? undefined : version),
  );
}
