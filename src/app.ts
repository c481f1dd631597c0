import { Hono } from "hono";
import { ApiError } from "./domain/errors.ts";
import type { AppEnv } from "./http/context.ts";
import { observe } from "./http/observe.ts";
import { renderError } from "./http/render-error.ts";
import { adminRoutes } from "./protocols/admin/routes.ts";
import { documentationRoutes } from "./protocols/docs/routes.ts";
import { openInferenceRoutes } from "./protocols/oip/routes.ts";
import { openAiRoutes } from "./protocols/openai/routes.ts";
import type { Services } from "./protocols/services.ts";
import { taskRoutes } from "./protocols/task/routes.ts";
import { clip } from "./shared/quote.ts";

/** The HTTP side of onnxflare: middleware in its order, then the routes. */
export function createApp(services: Services): Hono<AppEnv> {
  const app = new Hono<AppEnv>({ strict: false });
  app.use(observe(services.sink));
  app.onError(renderError);
  app.notFound((c) => {
    throw new ApiError(
      "route_not_found",
      `${c.req.method} ${clip(c.req.path)} is not a route. Predictions are POST /models/{model} and POST /v2/models/{model}/infer; GET /docs has every route.`,
    );
  });
  app.route("/v2", openInferenceRoutes(services));
  app.route("/v1", openAiRoutes(services));
  app.route("/models", taskRoutes(services));
  app.route("/admin", adminRoutes(services));
  app.route("/", documentationRoutes(services));
  return app;
}
