import { type Context, Hono, type MiddlewareHandler } from "hono";
import { toApiError } from "../domain/errors.ts";
import type { Tensor } from "../domain/tensor.ts";
import { admit } from "../middleware/admit.ts";
import type { AppEnv } from "../middleware/context.ts";
import { methodNotAllowed } from "../middleware/method-not-allowed.ts";
import { readBody, readOptionalBody } from "../middleware/read-body.ts";
import { requireAdmin } from "../middleware/require-admin.ts";
import { respond, respondBytes } from "../middleware/respond.ts";
import { parseJson } from "../protocols/json.ts";
import {
  HEADER_LENGTH,
  type InferRequest,
  parseInferRequest,
} from "../protocols/oip/infer-request.ts";
import { toInferResponse } from "../protocols/oip/infer-response.ts";
import { toModelMetadata, toServerMetadata } from "../protocols/oip/metadata.ts";
import { toModelConfig } from "../protocols/oip/model-config.ts";
import { toModelStatistics } from "../protocols/oip/model-statistics.ts";
import {
  checkControlRequest,
  parseIndexRequest,
  toIndexEntry,
} from "../protocols/oip/repository.ts";
import type { PublishedModel } from "../services/catalog.ts";
import type { FinishedAnswer } from "../services/isolate-cache.ts";
import { requestContext, resolveModel } from "./request.ts";
import type { RouteDeps } from "./route-deps.ts";

const ENCODER = new TextEncoder();

type Handler = (c: Context<AppEnv>) => Response | Promise<Response>;

/** The Open Inference Protocol v2 over HTTP with Triton's extensions, mounted at `/v2`. */
export function openInferenceRoutes(deps: RouteDeps): Hono<AppEnv> {
  const { catalog, readiness, repository, statistics, serverVersion } = deps;
  const routes = new Hono<AppEnv>({ strict: false });

  const get = (path: string, handler: Handler): void => {
    routes.get(path, handler).all(path, methodNotAllowed("GET", "HEAD"));
  };

  get("/", (c) => answer(c, toServerMetadata(serverVersion)));
  get("/health/live", (c) => answer(c, { live: true }));
  get("/health/ready", (c) => answer(c, { ready: true }));
  get("/models", async (c) => {
    const names = new Set((await catalog.list()).map(({ name }) => name));
    return answer(c, { models: [...names].sort() });
  });
  get("/models/stats", async (c) => {
    const all = (await catalog.list()).map(({ name, version }) => statistics.of(name, version));
    return answer(c, toModelStatistics(all));
  });

  for (const path of ["/models/:model", "/models/:model/versions/:version"]) {
    get(path, async (c) => {
      const { manifest, versions } = await resolveModel(c, catalog);
      return answer(c, toModelMetadata(manifest, versions));
    });

    get(`${path}/config`, async (c) => {
      const { manifest } = await resolveModel(c, catalog);
      return answer(c, toModelConfig(manifest));
    });

    get(`${path}/stats`, async (c) => {
      const { name, version, versions } = await resolveModel(c, catalog);
      const asked = c.req.param("version") === undefined ? versions : [version];
      const all = asked.map((each) => statistics.of(name, each));
      return answer(c, toModelStatistics(all));
    });

    get(`${path}/ready`, async (c) => {
      const published = await resolveModel(c, catalog);
      const model = await readiness(published, requestContext(c).waitUntil);
      const ready = model.state === "ready";
      const reason = model.state === "failed" ? toApiError(model.error).message : undefined;
      const state = { name: published.name, ready, state: model.state, reason };
      return answer(c, state, ready ? 200 : 503);
    });

    routes
      .post(`${path}/infer`, admit(deps.admission), inferHandler(deps))
      .all(`${path}/infer`, methodNotAllowed("POST"));
  }

  routes
    .post("/repository/index", async (c) => {
      const { readyOnly } = parseIndexRequest(await readOptionalJson(c, deps));
      const entries = (await repository.index()).map(({ id, model }) => toIndexEntry(id, model));
      const listed = readyOnly ? entries.filter(({ state }) => state === "READY") : entries;
      return answer(c, listed);
    })
    .all("/repository/index", methodNotAllowed("POST"));

  const LOAD = "/repository/models/:model/load";
  const UNLOAD = "/repository/models/:model/unload";
  const guard = repositoryGuard(deps);
  routes
    .post(LOAD, guard, async (c) => {
      checkControlRequest(await readOptionalJson(c, deps));
      const published = await resolveModel(c, catalog);
      const model = await readiness(published, requestContext(c).waitUntil);
      if (model.state === "failed") throw model.error;
      return answer(c, { name: published.name, state: model.state });
    })
    .all(LOAD, methodNotAllowed("POST"))
    .post(UNLOAD, guard, async (c) => {
      checkControlRequest(await readOptionalJson(c, deps));
      const published = await resolveModel(c, catalog);
      for (const version of published.versions)
        repository.unload(await catalog.resolve(published.name, version));
      return answer(c, { name: published.name, state: "absent" });
    })
    .all(UNLOAD, methodNotAllowed("POST"));
  return routes;
}

/**
 * Everything but tensors is answered as it is: tritonclient's asyncio client accepts gzip, and does
 * not decompress.
 */
function answer(c: Context<AppEnv>, value: object, status: 200 | 503 = 200): Response {
  return respond(c, JSON.stringify(value), { status, compress: false });
}

function inferHandler({ config, catalog, predict, finishedAnswers }: RouteDeps): Handler {
  return async (c) => {
    const trace = c.get("trace");
    const published = await resolveModel(c, catalog);
    const body = await readBody(c, config.maxBodyBytes);
    const context = requestContext(c);
    const headerLength = c.req.header(HEADER_LENGTH);
    const asked = finishedAnswers.identify(published, `infer ${headerLength}`, body);
    const known = await finishedAnswers.find(published, asked, context);
    if (known) return send(c, known);
    const { manifest } = published;
    const request = trace.measure("decode", () =>
      parseInferRequest(body, headerLength, manifest.inputs),
    );
    if (request.timeoutMs !== undefined) c.get("ticket").limitTo(request.timeoutMs);
    const { inputs } = request;
    const names = request.outputs?.map(({ name }) => name);
    const outputs = await predict({ published, inputs, outputs: names }, context);
    const answer = trace.measure("encode", () => toAnswer(published, request, outputs));
    finishedAnswers.keep(asked, answer, outputs, trace.cache);
    return send(c, answer);
  };
}

function toAnswer(
  published: PublishedModel,
  request: InferRequest,
  outputs: readonly Tensor[],
): FinishedAnswer {
  const { json, binary } = toInferResponse(published, request, outputs, published.manifest.labels);
  const { name, version, revision } = published;
  const { id, binaryByDefault } = request;
  const variant = JSON.stringify([name, version, revision, id, request.outputs, binaryByDefault]);
  const head = ENCODER.encode(json);
  if (binary.length === 0)
    return { contentType: "application/json", headers: {}, variant, parts: [head] };
  return {
    contentType: "application/octet-stream",
    headers: { [HEADER_LENGTH]: String(head.byteLength) },
    variant,
    parts: [head, ...binary],
  };
}

function send(
  c: Context<AppEnv>,
  { contentType, headers, variant, parts }: FinishedAnswer,
): Response {
  c.set("variant", variant);
  // Compressed here or not at all: tritonclient reads gzip, and not the brotli that Cloudflare may choose.
  Object.assign(c.get("headers"), headers, { "cache-control": "no-transform" });
  return respondBytes(c, parts, { contentType });
}

/** Whether loading and unloading is for everybody or for those with the admin key. */
function repositoryGuard({ config }: RouteDeps): MiddlewareHandler<AppEnv> {
  if (config.repositoryControl === "admin") return requireAdmin(config.adminKey);
  return async (_c, next) => next();
}

/** `undefined` for an empty body. */
async function readOptionalJson(c: Context<AppEnv>, { config }: RouteDeps): Promise<unknown> {
  const body = await readOptionalBody(c, config.maxBodyBytes);
  return body && parseJson(body);
}
