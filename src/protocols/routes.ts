import { type Context, Hono, type MiddlewareHandler } from "hono";
import type { H } from "hono/types";
import type { Authenticator, Requirement } from "../domain/access/authenticator.ts";
import type { Scope } from "../domain/access/scope.ts";
import { acquirePermit, admit } from "../http/admit.ts";
import { audited } from "../http/audited.ts";
import { authenticate, authorizeModel } from "../http/authenticate.ts";
import { markPrivate } from "../http/cache-headers.ts";
import type { AppEnv } from "../http/context.ts";
import { limit } from "../http/limit.ts";
import { methodNotAllowed } from "../http/method-not-allowed.ts";
import { namedModel } from "../http/named-model.ts";
import { receive } from "../http/receive.ts";
import { refuseSecrets } from "../http/refuse-secrets.ts";
import { respondBytes } from "../http/respond.ts";
import {
  type Handler,
  type Operation,
  type OperationRoute,
  runsModels,
  scopeOf,
  toRoutes,
} from "./operation.ts";
import type { Protocol } from "./protocol.ts";
import { respondFromCache } from "./respond-from-cache.ts";
import type { Services } from "./services.ts";

/** The routes of a protocol, to be mounted at its base path. */
export function createRoutes(protocol: Protocol, services: Services): Hono<AppEnv> {
  const routes = new Hono<AppEnv>({ strict: false });
  const guard = protocol.isAdmin ? [requireClient(services.authenticator)] : [];
  const all = protocol.operations.flatMap((operation) => toRoutes(operation, protocol.basePath));
  for (const [pattern, ofPattern] of Map.groupBy(all, (route) => route.pattern)) {
    const byMethod = Map.groupBy(ofPattern, ({ operation }) => operation.method.toUpperCase());
    for (const [method, ofMethod] of byMethod) {
      const middleware = [
        ...toMiddleware(ofMethod, services),
        ...(isChange(ofMethod) ? [refuseSecrets] : []),
        ...toAudit(ofMethod, services),
      ];
      const handler: H<AppEnv> = selectHandler(ofMethod, services);
      const [first = handler, ...others] = [...middleware, handler];
      routes.on(method, [pattern], entering(ofMethod, protocol, services, first), ...others);
    }
    const allowed = [...byMethod.keys()].flatMap((method) =>
      method === "GET" ? ["GET", "HEAD"] : [method],
    );
    for (const handler of [...guard, refuseMethod(protocol, allowed)]) routes.all(pattern, handler);
  }
  // Unknown paths require a key too, so that clients without one do not learn which paths exist.
  if (protocol.isAdmin) routes.use(...guard);
  return routes;
}

/** Refuses other methods in the protocol's form of errors: another protocol may have the paths below this one. */
function refuseMethod(
  { renderError }: Protocol,
  allowed: readonly string[],
): MiddlewareHandler<AppEnv> {
  const refuse = methodNotAllowed(...allowed);
  return function refuseMethod(c, next) {
    c.set("renderError", renderError);
    return refuse(c, next);
  };
}

/** Operations of the same path and method: one for any model, and others for reserved model names. */
type Alternatives = readonly OperationRoute[];

/**
 * Sets the operation of the request, for its event and its errors, identifies the client, checks what it may do, and calls the
 * first handler: a middleware of its own would cost each request some microseconds.
 */
function entering(
  alternatives: Alternatives,
  protocol: Protocol,
  { authenticator, config }: Services,
  first: H<AppEnv>,
): H<AppEnv> {
  const select = selectByModel(alternatives, ({ operation, pattern }) => ({
    id: operation.id,
    kind: operation.kind,
    protocol: protocol.name,
    route: `${protocol.basePath}${pattern}`.replace(/(?<=.)\/$/, ""),
    renderError: protocol.renderError,
    namesModel: operation.reservedModel === undefined,
  }));
  const scope = scopeOfAll(alternatives, config);
  const isPublic = scope === undefined && !protocol.isAdmin;
  const requirement = { scope, allowsAnonymous: !protocol.isAdmin };
  return function enterOperation(c, next) {
    const operation = select(c);
    c.set("operation", operation);
    if (isPublic) return first(c, next);
    markPrivate(c.get("headers"));
    const identified = authenticate(c, authenticator, requirement);
    if (identified !== undefined)
      return identified.then(() => {
        if (operation.namesModel) authorizePath(c);
        return first(c, next);
      });
    if (operation.namesModel) authorizePath(c);
    return first(c, next);
  };
}

/** The model in the path, if there is one. That in a body is checked when it is read. */
function authorizePath(c: Context<AppEnv>): void {
  if (c.get("principal")?.models === undefined) return;
  const name = namedModel(c);
  if (name !== undefined) authorizeModel(c, name);
}

/** `undefined` for operations that anybody may use. */
function scopeOfAll(
  [first, ...others]: Alternatives,
  config: Services["config"],
): Scope | undefined {
  for (const { operation } of others)
    if (operation.access !== first?.operation.access)
      throw new Error(`${operation.id} and ${first?.id} share a path, but not their access`);
  return first && scopeOf(first.operation.access, config);
}

const ANY_CLIENT: Requirement = { scope: undefined, allowsAnonymous: false };

/** Refuses requests of nobody in particular. */
function requireClient(authenticator: Authenticator): MiddlewareHandler<AppEnv> {
  return async function requireClient(c, next) {
    await authenticate(c, authenticator, ANY_CLIENT);
    await next();
  };
}

/** The middleware before the handler, in its order. */
function toMiddleware(
  [first, ...others]: Alternatives,
  services: Services,
): MiddlewareHandler<AppEnv>[] {
  if (!first) return [];
  const { kind } = first.operation;
  for (const { operation } of others)
    if (operation.kind !== kind)
      throw new Error(`${operation.id} and ${first.id} share a path, but not their kind`);
  const isInference = runsModels(first.operation);
  if (!isInference && (!first.operation.body || first.operation.streamsBody)) return [];
  const { admission, bodies, config, limiter } = services;
  const limits = { maxBytes: config.maxBodyBytes, budget: bodies };
  const receiving = receive({ admission, limits, isInference });
  if (!runsModels(first.operation)) return [receiving];
  const { identity } = first.operation;
  return [
    ...(limiter ? [limit({ limiter, cpuCosts: services.cpuCosts })] : []),
    receiving,
    admit(admission, {
      modelOf: (c) => identity?.guessModel?.(c.get("body")) ?? namedModel(c),
      isSample: first.operation.kind === "inference",
    }),
    respondFromCache(services, first.operation.id, identity),
    acquirePermit,
  ];
}

/** Whether something is stored of the request. */
function isChange([first]: Alternatives): boolean {
  return first?.operation.kind === "admin" && first.operation.method !== "get";
}

/** After everything that may refuse a request without its handler. */
function toAudit(
  [first]: Alternatives,
  { audit: recorder }: Services,
): MiddlewareHandler<AppEnv>[] {
  if (!first || runsModels(first.operation) || !first.operation.audit) return [];
  const { id: operation, audit: rule } = first.operation;
  const labelOf = (c: Context<AppEnv>): string => c.get("principal")?.label ?? "anonymous";
  return [audited({ recorder, operation, rule, labelOf })];
}

function selectHandler(alternatives: Alternatives, services: Services): Handler {
  const select = selectByModel(alternatives, ({ operation }) => toHandler(operation, services));
  return (c) => select(c)(c);
}

function toHandler(operation: Operation, services: Services): Handler {
  if (!runsModels(operation)) return operation.handler(services);
  const handler = operation.handler(services);
  return async (c) => {
    const result = await handler(c);
    if (result instanceof Response) return result;
    const { parts, contentType, variant } = result;
    return respondBytes(c, parts, {
      contentType,
      ...(variant && { variant: JSON.stringify([operation.id, ...variant]) }),
    });
  };
}

/** Creates a value for each alternative; the returned function selects one by the model's name. */
function selectByModel<T>(
  alternatives: Alternatives,
  create: (route: OperationRoute) => T,
): (c: Context<AppEnv>) => T {
  const general = alternatives.find(({ operation }) => operation.reservedModel === undefined);
  if (!general)
    throw new Error(
      `${alternatives[0]?.id} has a reserved model name, but no other operation has its path`,
    );
  const value = create(general);
  const reserved = new Map(
    alternatives
      .filter((route) => route !== general)
      .map((route) => [route.operation.reservedModel, create(route)]),
  );
  if (reserved.size === 0) return () => value;
  return (c) => reserved.get(c.req.param("model")) ?? value;
}
