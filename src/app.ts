import { Hono } from "hono";
import { ApiError } from "./domain/errors.ts";
import { clip } from "./domain/quote.ts";
import type { AppEnv } from "./middleware/context.ts";
import { observe } from "./middleware/observe.ts";
import { renderError } from "./middleware/render-error.ts";
import { adminRoutes } from "./routes/admin.ts";
import { documentationRoutes } from "./routes/documentation.ts";
import { openInferenceRoutes } from "./routes/open-inference.ts";
import { openAiRoutes } from "./routes/openai.ts";
import type { RouteDeps } from "./routes/route-deps.ts";
import { taskRoutes } from "./routes/task.ts";

/** The HTTP side of onnxflare: middleware in its order, then the routes. */
export function createApp(deps: RouteDeps): Hono<AppEnv> {
  const app = new Hono<AppEnv>({ strict: false });
  app.use(observe(deps.sink));
  app.onError(renderError);
  app.notFound((c) => {
    throw new ApiError(
      "route_not_found",
      `${c.req.method} ${clip(c.req.path)} is not a route. Predictions are POST /models/{model} and POST /v2/models/{model}/infer; GET /docs has every route.`,
    );
  });
  app.route("/v2", openInferenceRoutes(deps));
  app.route("/v1", openAiRoutes(deps));
  app.route("/models", taskRoutes(deps));
  app.route("/admin", adminRoutes(deps));
  app.route("/", documentationRoutes(deps));
  return app;
}
