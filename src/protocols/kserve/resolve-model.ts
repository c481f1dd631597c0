import type { Context } from "hono";
import { type ModelReference, parseModelReference } from "../../domain/model-id.ts";
import type { RoutedModel } from "../../domain/published-model.ts";
import type { AppEnv } from "../../http/context.ts";
import type { Router } from "../../registry/routing/router.ts";
import { pathReference, resolve } from "../resolve-model.ts";

/** The version by which `ovmsclient` requests the default one. */
const DEFAULT_VERSION = "0";

/** Resolves the model that the path names, as `resolveModel` of other protocols does. */
export function resolveModel(c: Context<AppEnv>, router: Router): Promise<RoutedModel> {
  return resolve(c, router, () => kserveReference(c));
}

/** The model that the path names; version 0 is that of the alias, or the default. */
export function kserveReference(c: Context<AppEnv>): ModelReference {
  return c.req.param("version") === DEFAULT_VERSION
    ? parseModelReference(c.req.param("model") ?? "")
    : pathReference(c);
}
