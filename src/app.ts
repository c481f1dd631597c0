import { Hono } from "hono";
import { getPathNoStrict } from "hono/utils/url";
import { ApiError } from "./domain/errors.ts";
import type { AppEnv } from "./http/context.ts";
import { createCors } from "./http/cors.ts";
import { refuseFloods } from "./http/flood-guard.ts";
import { observe } from "./http/observe.ts";
import { createErrorHandler } from "./http/render-error.ts";
import { neverStored, refuseOtherSites } from "./http/same-site.ts";
import { createSecurityHeaders } from "./http/security-headers.ts";
import { refuseOwnPath, withoutPrefix } from "./protocols/prefix.ts";
import type { Protocol } from "./protocols/protocol.ts";
import { PROTOCOLS } from "./protocols/registry.ts";
import { createRoutes } from "./protocols/routes.ts";
import type { Services } from "./protocols/services.ts";
import { clip } from "./shared/quote.ts";

/**
 * The HTTP application: middleware in its order, then the protocols. Paths are taken with the prefix of the services, and without it.
 * @throws Error for a prefix with which a path of the service may begin itself
 */
export function createApp(
  services: Services,
  protocols: readonly Protocol[] = PROTOCOLS,
): Hono<AppEnv> {
  if (!protocols.some(({ basePath }) => basePath === ""))
    throw new Error("no protocol has the empty base path, whose form errors of other paths have");
  const { prefix } = services;
  refuseOwnPath(prefix, protocols);
  const app = new Hono<AppEnv>({ getPath: createPathReader(protocols, prefix) });
  const handleError = createErrorHandler((path, error, requestId) =>
    protocolOf(path, protocols).renderError(error, requestId),
  );
  const { corsOrigins } = services.config;
  const cors = corsOrigins.length > 0 ? createCors(corsOrigins, isAdminPath(protocols)) : undefined;
  if (cors) app.use(cors.addHeaders);
  app.use(
    observe(
      services.sink,
      handleError,
      createSecurityHeaders(corsOrigins),
      services.scrubReply,
      services.tracing,
    ),
  );
  if (services.floodGuard) app.use(refuseFloods(services.floodGuard));
  if (cors) app.use(cors.answerPreflight);
  for (const { basePath, isAdmin } of protocols)
    if (isAdmin) app.use(`${basePath}/*`, neverStored, refuseOtherSites());
  app.onError(handleError);
  app.notFound((c) => {
    throw new ApiError(
      "route_not_found",
      `${c.req.method} ${clip(getPathNoStrict(c.req.raw))} is not a route. To run a model, use POST ${prefix}/models/{model} or POST ${prefix}/v2/models/{model}/infer; GET ${prefix}/docs lists every route.`,
    );
  });
  for (const protocol of protocols)
    app.route(protocol.basePath || "/", createRoutes(protocol, services));
  return app;
}

function isAdminPath(protocols: readonly Protocol[]): (path: string) => boolean {
  return (path) => protocolOf(path, protocols).isAdmin === true;
}

/** Reads the path by which a request is routed, without the prefix and a trailing slash. */
function createPathReader(
  protocols: readonly Protocol[],
  mountPrefix: string,
): (request: Request) => string {
  const rewriting = protocols.flatMap(({ basePath, toRoutedPath }) =>
    toRoutedPath ? [{ prefix: `${basePath}/`, toRoutedPath }] : [],
  );
  return (request) => {
    const path = withoutPrefix(getPathNoStrict(request), mountPrefix);
    for (const { prefix, toRoutedPath } of rewriting)
      if (path.startsWith(prefix)) return toRoutedPath(path);
    return path;
  };
}

/** The protocol whose base path is the longest prefix of a path that matches no operation. */
function protocolOf(path: string, protocols: readonly Protocol[]): Protocol {
  return protocols
    .filter(({ basePath }) => path === basePath || path.startsWith(`${basePath}/`))
    .reduce((longest, other) =>
      other.basePath.length > longest.basePath.length ? other : longest,
    );
}
