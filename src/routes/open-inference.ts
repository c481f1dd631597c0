import { type Context, Hono } from "hono";
import { toApiError } from "../domain/errors.ts";
import type { RequestTrace } from "../domain/event.ts";
import { admit } from "../middleware/admit.ts";
import type { AppEnv } from "../middleware/context.ts";
import { methodNotAllowed } from "../middleware/method-not-allowed.ts";
import { readJson } from "../middleware/read-body.ts";
import { respond } from "../middleware/respond.ts";
import { parseInferRequest } from "../protocols/oip/infer-request.ts";
import { toInferResponse } from "../protocols/oip/infer-response.ts";
import { toModelMetadata, toServerMetadata } from "../protocols/oip/metadata.ts";
import type { PublishedModel } from "../services/catalog.ts";
import { requestContext, resolveModel } from "./request.ts";
import type { RouteDeps } from "./route-deps.ts";

const MODEL = "/models/:model";
const VERSION = "/models/:model/versions/:version";

/** The Open Inference Protocol v2 over HTTP, mounted at `/v2`. */
export function openInferenceRoutes({
  config,
  admission,
  catalog,
  predict,
  readiness,
  serverVersion,
}: RouteDeps): Hono<AppEnv> {
  const routes = new Hono<AppEnv>({ strict: false });

  const get = (
    path: string,
    handler: (c: Context<AppEnv>) => Response | Promise<Response>,
  ): void => {
    routes.get(path, handler).all(path, methodNotAllowed("GET", "HEAD"));
  };

  get("/", (c) => respond(c, JSON.stringify(toServerMetadata(serverVersion))));
  get("/health/live", (c) => respond(c, '{"live":true}'));
  get("/health/ready", (c) => respond(c, '{"ready":true}'));

  for (const path of [MODEL, VERSION]) {
    get(path, async (c) => {
      const { manifest, versions } = await resolveModel(c, catalog);
      return respond(c, JSON.stringify(toModelMetadata(manifest, versions)));
    });

    get(`${path}/ready`, async (c) => {
      const published = await resolveModel(c, catalog);
      const model = await readiness(published, requestContext(c).waitUntil);
      const ready = model.state === "ready";
      const reason = model.state === "failed" ? toApiError(model.error).message : undefined;
      const answer = { name: published.name, ready, state: model.state, reason };
      return respond(c, JSON.stringify(answer), { status: ready ? 200 : 503 });
    });

    routes
      .post(`${path}/infer`, admit(admission), async (c) => {
        const trace = c.get("trace");
        const published = await resolveModel(c, catalog);
        const body = await readJson(c, config.maxBodyBytes);
        const request = trace.measure("decode", () =>
          parseInferRequest(body, published.manifest.inputs),
        );
        if (request.timeoutMs !== undefined) c.get("ticket").limitTo(request.timeoutMs);
        const outputs = await predict({ published, ...request }, requestContext(c));
        return respond(c, encode(trace, published, request.id, outputs));
      })
      .all(`${path}/infer`, methodNotAllowed("POST"));
  }
  return routes;
}

function encode(
  trace: RequestTrace,
  published: PublishedModel,
  id: string | undefined,
  outputs: Parameters<typeof toInferResponse>[2],
): string {
  return trace.measure("encode", () => toInferResponse(published, id, outputs));
}
