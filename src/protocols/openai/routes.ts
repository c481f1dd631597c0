import { Hono } from "hono";
import { ApiError } from "../../domain/errors.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { acquirePermit, admit } from "../../http/admit.ts";
import { callOf } from "../../http/call.ts";
import type { AppEnv } from "../../http/context.ts";
import { methodNotAllowed } from "../../http/method-not-allowed.ts";
import { readBody } from "../../http/read-body.ts";
import { respond } from "../../http/respond.ts";
import { newestVersions } from "../../registry/newest-versions.ts";
import { parseJson } from "../json.ts";
import { resolveModel } from "../resolve-model.ts";
import { respondFromCache } from "../respond-from-cache.ts";
import type { Services } from "../services.ts";
import {
  type EmbeddingsRequest,
  modelInRequest,
  parseEmbeddingsRequest,
  toEmbeddingsResponse,
} from "./embeddings.ts";
import { toOpenAiModel, toOpenAiModelList } from "./models.ts";

/** A part of OpenAI's API, mounted at `/v1`: embeddings, and the models. */
export function openAiRoutes(services: Services): Hono<AppEnv> {
  const { config, admission, catalog, runTask } = services;
  const identity = { form: () => "embeddings", modelIn: modelInRequest };
  const fromCache = respondFromCache(services, identity);
  const routes = new Hono<AppEnv>({ strict: false });

  routes
    .post("/embeddings", admit(admission), fromCache, acquirePermit, async (c) => {
      const trace = c.get("trace");
      const body = await readBody(c, config.maxBodyBytes);
      const request = trace.measure("parse", () => parseEmbeddingsRequest(parseJson(body)));
      const published = await resolveModel(c, catalog, request.model).catch(blame("model"));
      checkModel(published.manifest, request);
      const { inputs, truncate } = request;
      const result = await runTask(
        published,
        { inputs, parameters: { truncate } },
        callOf(c),
      ).catch(blame("input"));
      if (result.kind === "stream") throw new Error("embeddings are not streamed");
      const vectors = result.value as number[][];
      const inputTokens = result.usage?.inputTokens ?? 0;
      const { name, version, revision } = published;
      c.set("variant", JSON.stringify(["openai", name, version, revision, request.encoding]));
      const text = trace.measure("serialize", () =>
        JSON.stringify(toEmbeddingsResponse(request, vectors, inputTokens)),
      );
      return respond(c, text);
    })
    .all("/embeddings", methodNotAllowed("POST"));

  routes
    .get("/models", async (c) => {
      const manifests = await newestVersions(catalog);
      return respond(c, JSON.stringify(toOpenAiModelList(manifests)));
    })
    .all("/models", methodNotAllowed("GET", "HEAD"));

  routes
    .get("/models/:model", async (c) => {
      const { manifest } = await resolveModel(c, catalog).catch(blame("model"));
      return respond(c, JSON.stringify(toOpenAiModel(manifest)));
    })
    .all("/models/:model", methodNotAllowed("GET", "HEAD"));

  return routes;
}

/** @throws ApiError `invalid_request`: clients of OpenAI try again after a 501 */
function checkModel(manifest: Manifest, { dimensions }: EmbeddingsRequest): void {
  const { name, postprocess, outputs } = manifest;
  if (postprocess?.type !== "embedding")
    throw new ApiError(
      "invalid_request",
      `Model "${name}" gives no embeddings${manifest.task ? `: its task is ${manifest.task}, at /models/${name}` : ""}.`,
      { details: { field: "model" } },
    );
  const size = outputs.find((output) => output.name === postprocess.output)?.shape.at(-1);
  if (dimensions !== undefined && dimensions !== size)
    throw new ApiError(
      "invalid_request",
      `dimensions cannot be ${dimensions}: the vectors of "${name}" have ${size} dimensions, and are not shortened.`,
      { details: { field: "dimensions" } },
    );
}

/** Names the field of the request that an error is about, as it is called here. */
function blame(field: "model" | "input"): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof ApiError) || error.kind.status >= 500) throw error;
    throw new ApiError(error.code, error.message.replace(/^inputs\b/, "input"), {
      cause: error.cause,
      details: { ...error.details, field },
    });
  };
}
