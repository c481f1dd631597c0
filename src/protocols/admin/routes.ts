import { type Context, Hono } from "hono";
import { ApiError } from "../../domain/errors.ts";
import { EVENT_SCHEMA_VERSION } from "../../domain/event.ts";
import {
  type ModelId,
  parseModelName,
  parseModelVersion,
  refuseReservedName,
} from "../../domain/model-id.ts";
import type { AppEnv } from "../../http/context.ts";
import { methodNotAllowed } from "../../http/method-not-allowed.ts";
import { readBody } from "../../http/read-body.ts";
import { requireAdmin } from "../../http/require-admin.ts";
import { respond } from "../../http/respond.ts";
import { parseJson } from "../json.ts";
import type { Services } from "../services.ts";
import { parsePurgeRequest } from "./purge-request.ts";

const VERSION = "/models/:model/versions/:version";

/** What a model's owner and an operator do, mounted at `/admin`. */
export function adminRoutes({
  config,
  cache,
  cacheStats,
  catalog,
  publisher,
  host,
  sink,
}: Services): Hono<AppEnv> {
  const routes = new Hono<AppEnv>({ strict: false });
  routes.use(requireAdmin(config.adminKey));

  routes
    .get("/models", async (c) => respond(c, JSON.stringify({ models: await catalog.list() })))
    .all("/models", methodNotAllowed("GET", "HEAD"));

  routes
    .get("/runtime", (c) => respond(c, JSON.stringify(host.stats())))
    .all("/runtime", methodNotAllowed("GET", "HEAD"));

  routes
    .get("/cache", (c) => respond(c, JSON.stringify(cacheStats())))
    .all("/cache", methodNotAllowed("GET", "HEAD"));

  routes
    .post("/cache/purge", async (c) => {
      const body = await readBody(c, config.maxBodyBytes);
      const scope = parsePurgeRequest(parseJson(body));
      const { at, dropped, complete } = await cache.purge(scope);
      const requestId = c.get("requestId");
      const schemaVersion = EVENT_SCHEMA_VERSION;
      sink.emit({
        event: "purge",
        schemaVersion,
        time: at,
        requestId,
        ...scope,
        dropped,
        complete,
      });
      return respond(c, JSON.stringify({ purged: scope, at, dropped, complete }));
    })
    .all("/cache/purge", methodNotAllowed("POST"));

  routes
    .put(VERSION, async (c) => {
      const id = parseModelId(c);
      refuseReservedName(id.name);
      const { body, sizeBytes } = modelBody(c, config.maxModelBytes);
      const manifest = await publisher.publish(id, body, sizeBytes, (work) =>
        c.executionCtx.waitUntil(work),
      );
      c.get("headers").location = `/v2/models/${id.name}/versions/${id.version}`;
      return respond(c, JSON.stringify(manifest), { status: 201 });
    })
    .delete(VERSION, async (c) => {
      const id = parseModelId(c);
      await publisher.remove(id);
      return respond(c, JSON.stringify({ deleted: id }));
    })
    .all(VERSION, methodNotAllowed("PUT", "DELETE"));
  return routes;
}

function parseModelId(c: Context<AppEnv>): ModelId {
  const name = parseModelName(c.req.param("model") ?? "");
  const version = parseModelVersion(name, c.req.param("version") ?? "");
  const trace = c.get("trace");
  trace.model = name;
  trace.version = version;
  return { name, version };
}

/** The body as a stream of known length, which is how storage takes it. */
function modelBody(
  c: Context<AppEnv>,
  maxBytes: number,
): { body: ReadableStream<Uint8Array>; sizeBytes: number } {
  const { body } = c.req.raw;
  const length = c.req.header("content-length");
  if (!body || length === "0")
    throw new ApiError("empty_body", "The body is empty: send the ONNX or ORT file.");
  const sizeBytes = Number(length);
  if (length === undefined || !Number.isSafeInteger(sizeBytes))
    throw new ApiError("length_required", "Send the model with a content-length header.");
  if (sizeBytes > maxBytes)
    throw new ApiError(
      "body_too_large",
      `The model is ${sizeBytes} bytes, over the limit of ${maxBytes} bytes (MAX_MODEL_BYTES).`,
      { details: { limitBytes: maxBytes } },
    );
  c.get("trace").bytesIn = sizeBytes;
  return { body, sizeBytes };
}
