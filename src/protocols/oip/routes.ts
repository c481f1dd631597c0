import { type Context, Hono, type MiddlewareHandler } from "hono";
import { toApiError } from "../../domain/errors.ts";
import { RESERVED_MODEL_NAME } from "../../domain/model-id.ts";
import type { PublishedModel } from "../../domain/published-model.ts";
import type { Tensor } from "../../domain/tensor.ts";
import { acquirePermit, admit } from "../../http/admit.ts";
import { callOf } from "../../http/call.ts";
import type { AppEnv } from "../../http/context.ts";
import { methodNotAllowed } from "../../http/method-not-allowed.ts";
import { readBody, readOptionalBody } from "../../http/read-body.ts";
import { requireAdmin } from "../../http/require-admin.ts";
import { respond, respondBytes } from "../../http/respond.ts";
import { parseJson } from "../json.ts";
import { resolveModel } from "../resolve-model.ts";
import { respondFromCache } from "../respond-from-cache.ts";
import type { Services } from "../services.ts";
import { HEADER_LENGTH, type InferRequest, parseInferRequest } from "./infer-request.ts";
import { toInferResponse } from "./infer-response.ts";
import { toModelMetadata, toServerMetadata } from "./metadata.ts";
import { toModelConfig } from "./model-config.ts";
import { toModelStatistics } from "./model-statistics.ts";
import { checkControlRequest, parseIndexRequest, toIndexEntry } from "./repository.ts";

const ENCODER = new TextEncoder();

type Handler = (c: Context<AppEnv>) => Response | Promise<Response>;

/** The Open Inference Protocol v2 over HTTP with Triton's extensions, mounted at `/v2`. */
export function openInferenceRoutes(deps: Services): Hono<AppEnv> {
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

  const metadata: Handler = async (c) => {
    const { manifest, versions } = await resolveModel(c, catalog);
    return answer(c, toModelMetadata(manifest, versions));
  };
  get("/models/:model", async (c) => {
    // Triton's statistics of every model share a model's route: Hono's fastest router takes no two that a
    // path may both match.
    if (c.req.param("model") !== RESERVED_MODEL_NAME) return metadata(c);
    const all = (await catalog.list()).map(({ name, version }) => statistics.of(name, version));
    return answer(c, toModelStatistics(all));
  });
  get("/models/:model/versions/:version", metadata);

  for (const path of ["/models/:model", "/models/:model/versions/:version"]) {
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
      const model = await readiness(published, callOf(c).waitUntil);
      const ready = model.state === "ready";
      const reason = model.state === "failed" ? toApiError(model.error).message : undefined;
      const state = { name: published.name, ready, state: model.state, reason };
      return answer(c, state, ready ? 200 : 503);
    });

    routes
      .post(
        `${path}/infer`,
        admit(deps.admission),
        respondFromCache(deps, { form: toForm }),
        acquirePermit,
        inferHandler(deps),
      )
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
      const model = await readiness(published, callOf(c).waitUntil);
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

function inferHandler({ config, catalog, infer }: Services): Handler {
  return async (c) => {
    const trace = c.get("trace");
    const published = await resolveModel(c, catalog);
    const body = await readBody(c, config.maxBodyBytes);
    const request = trace.measure("parse", () =>
      parseInferRequest(body, c.req.header(HEADER_LENGTH), published.manifest.inputs),
    );
    if (request.timeoutMs !== undefined) c.get("permit")?.deadline.limit(request.timeoutMs);
    const { inputs } = request;
    const names = request.outputs?.map(({ name }) => name);
    const outputs = await infer({ model: published, inputs, outputs: names }, callOf(c));
    const parts = trace.measure("serialize", () => encode(c, published, request, outputs));
    return respondBytes(c, parts, { contentType: toContentType(parts) });
  };
}

/** What of an inference request, beside its body, decides how it is answered. */
function toForm(c: Context<AppEnv>): string {
  return `infer ${c.req.header(HEADER_LENGTH) ?? ""}`;
}

/** The answer's JSON and, where tensors are to be binary, their data; its headers are noted. */
function encode(
  c: Context<AppEnv>,
  published: PublishedModel,
  request: InferRequest,
  outputs: readonly Tensor[],
): readonly Uint8Array[] {
  const { json, binary } = toInferResponse(published, request, outputs, published.manifest.labels);
  const { name, version, revision } = published;
  const { id, binaryByDefault } = request;
  c.set("variant", JSON.stringify([name, version, revision, id, request.outputs, binaryByDefault]));
  const head = ENCODER.encode(json);
  const headers = c.get("headers");
  // Compressed here or not at all: tritonclient reads gzip, and not the brotli that Cloudflare may choose.
  headers["cache-control"] = "no-transform";
  if (binary.length > 0) headers[HEADER_LENGTH] = String(head.byteLength);
  return [head, ...binary];
}

function toContentType(parts: readonly Uint8Array[]): string {
  return parts.length === 1 ? "application/json" : "application/octet-stream";
}

/** Whether loading and unloading is for everybody or for those with the admin key. */
function repositoryGuard({ config }: Services): MiddlewareHandler<AppEnv> {
  if (config.repositoryControl === "admin") return requireAdmin(config.adminKey);
  return async (_c, next) => next();
}

/** `undefined` for an empty body. */
async function readOptionalJson(c: Context<AppEnv>, { config }: Services): Promise<unknown> {
  const body = await readOptionalBody(c, config.maxBodyBytes);
  return body && parseJson(body);
}
