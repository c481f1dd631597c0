import { Hono } from "hono";
import { ApiError } from "../domain/errors.ts";
import type { Manifest } from "../domain/manifest.ts";
import { admit, takeTurn } from "../middleware/admit.ts";
import type { AppEnv } from "../middleware/context.ts";
import { methodNotAllowed } from "../middleware/method-not-allowed.ts";
import { readBody } from "../middleware/read-body.ts";
import { respond } from "../middleware/respond.ts";
import { parseJson } from "../protocols/json.ts";
import {
  type EmbeddingsRequest,
  parseEmbeddingsRequest,
  toEmbeddingsResponse,
} from "../protocols/openai/embeddings.ts";
import { toOpenAiModel, toOpenAiModelList } from "../protocols/openai/models.ts";
import { newestVersions } from "../services/newest-versions.ts";
import { requestContext, resolveModel } from "./request.ts";
import type { RouteDeps } from "./route-deps.ts";

/** A part of OpenAI's API, mounted at `/v1`: embeddings, and the models. */
export function openAiRoutes({ config, admission, catalog, taskPredict }: RouteDeps): Hono<AppEnv> {
  const routes = new Hono<AppEnv>({ strict: false });

  routes
    .post("/embeddings", admit(admission), takeTurn, async (c) => {
      const trace = c.get("trace");
      const body = await readBody(c, config.maxBodyBytes);
      const request = trace.measure("decode", () => parseEmbeddingsRequest(parseJson(body)));
      const published = await resolveModel(c, catalog, request.model).catch(blame("model"));
      checkModel(published.manifest, request);
      const { inputs, truncate } = request;
      const { answer, tokens = 0 } = await taskPredict(
        published,
        () => ({ inputs, parameters: { truncate } }),
        requestContext(c),
      ).catch(blame("input"));
      const { name, version, revision } = published;
      c.set("variant", JSON.stringify(["openai", name, version, revision, request.encoding]));
      const text = trace.measure("encode", () =>
        JSON.stringify(toEmbeddingsResponse(request, answer as number[][], tokens)),
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
