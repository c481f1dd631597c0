import type { Context } from "hono";
import { ApiError } from "../domain/errors.ts";
import { type ModelReference, parseModelReference } from "../domain/model-id.ts";
import type { RoutedModel } from "../domain/published-model.ts";
import { authorizeModel } from "../http/authenticate.ts";
import type { AppEnv } from "../http/context.ts";
import { traitsOf } from "../http/request-traits.ts";
import type { Router } from "../registry/routing/router.ts";
import { recordUnreadable } from "./record-unreadable.ts";

/**
 * Resolves the version that the path names by a number, an alias or the model's default, and records it in the trace, in
 * `x-model-version` and, with an alias, in `x-model-alias`. A split is drawn from by requests that run a model.
 */
export function resolveModel(c: Context<AppEnv>, router: Router): Promise<RoutedModel> {
  return resolve(c, router, () => pathReference(c));
}

/** Resolves `name`, `name@version` or `name@alias`, and records it as {@link resolveModel} does. */
export function resolveReference(
  c: Context<AppEnv>,
  router: Router,
  reference: string,
): Promise<RoutedModel> {
  return resolve(c, router, () => parseModelReference(reference));
}

/**
 * The model that the path names.
 * @throws ApiError `invalid_request` for a path with a version after an alias or another version
 */
export function pathReference(c: Context<AppEnv>): ModelReference {
  const version = c.req.param("version");
  const reference = parseModelReference(c.req.param("model") ?? "");
  if (version === undefined) return reference;
  const { name, alias } = reference;
  if (alias === undefined && (reference.version ?? version) === version) return { name, version };
  throw new ApiError(
    "invalid_request",
    `The path names the version ${version} and "${c.req.param("model")}": name a version or an alias once.`,
    { details: { field: "version" } },
  );
}

/** Whether the path names a version, by its number or an alias. */
export function namesVersion(c: Context<AppEnv>): boolean {
  const { version, alias } = parseModelReference(c.req.param("model") ?? "");
  return c.req.param("version") !== undefined || version !== undefined || alias !== undefined;
}

/** Resolves a reference, and records it as {@link resolveModel} does. */
export async function resolve(
  c: Context<AppEnv>,
  router: Router,
  toReference: () => ModelReference,
): Promise<RoutedModel> {
  const model = await c.get("trace").measureAsync("resolve", () =>
    resolveOnce(c, router, toReference()).catch((error: unknown) => {
      recordUnreadable(c.get("trace"), error);
      throw error;
    }),
  );
  c.get("hideCache")?.(model);
  return recordModel(c, model);
}

/** Uses the version that `respondFromCache` resolved, if it did. */
async function resolveOnce(
  c: Context<AppEnv>,
  router: Router,
  reference: ModelReference,
): Promise<RoutedModel> {
  const { name, version, alias } = reference;
  authorizeModel(c, name);
  const model = c.get("model");
  const isResolved =
    model?.name === name && model.alias === alias && (version ?? model.version) === model.version;
  if (isResolved) return model;
  const traits = drawsVersion(c) ? traitsOf(c) : undefined;
  return router.resolve(reference, traits, c.get("deadline"));
}

/** Only requests that run a model are traffic. */
function drawsVersion(c: Context<AppEnv>): boolean {
  const kind = c.get("operation")?.kind;
  return kind === "inference" || kind === "explanation";
}

/** Records the version in the trace and in the headers of the response. */
export function recordModel<M extends RoutedModel>(c: Context<AppEnv>, model: M): M {
  const trace = c.get("trace");
  const headers = c.get("headers");
  trace.model = model.name;
  trace.version = model.version;
  trace.task = model.manifest.task;
  trace.split = model.split;
  headers["x-model-version"] = model.version;
  if (model.alias !== undefined) {
    trace.alias = model.alias;
    headers["x-model-alias"] = model.alias;
  }
  return model;
}
