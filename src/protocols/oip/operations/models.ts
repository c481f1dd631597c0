import { toApiError } from "../../../domain/errors.ts";
import { RESERVED_MODEL_NAME } from "../../../domain/model-id.ts";
import { mayUseModel } from "../../../http/authenticate.ts";
import { callOf } from "../../../http/call.ts";
import { RESOLVE_MODEL } from "../../error-groups.ts";
import type { Operation } from "../../operation.ts";
import { namesVersion, resolveModel } from "../../resolve-model.ts";
import { toModelMetadata } from "../metadata.ts";
import { toModelConfig } from "../model-config.ts";
import { readStatistics } from "../model-statistics.ts";
import { respondJson } from "../respond-json.ts";
import { json } from "../schemas.ts";

/** Properties that the operations on one model share. */
const READ_MODEL = {
  kind: "metadata",
  method: "get",
  versioned: true,
  access: "models:read",
  tag: "Models",
  errors: RESOLVE_MODEL,
} as const satisfies Partial<Operation>;

export const MODEL_OPERATIONS: readonly Operation[] = [
  {
    id: "listModels",
    kind: "metadata",
    method: "get",
    path: "/models",
    access: "models:read",
    tag: "Models",
    summary: "List model names",
    responses: {
      200: { description: "The names of the models, sorted.", content: json("ModelList") },
    },
    errors: ["storage_failed"],
    handler:
      ({ catalog }) =>
      async (c) => {
        const names = new Set((await catalog.list()).map(({ name }) => name));
        const models = [...names].filter((name) => mayUseModel(c, name));
        return respondJson(c, { models: models.sort() });
      },
  },
  {
    id: "getStatistics",
    kind: "metadata",
    method: "get",
    path: "/models/{model}",
    reservedModel: RESERVED_MODEL_NAME,
    access: "models:read",
    tag: "Models",
    summary: "Get statistics of all versions",
    responses: {
      200: { description: "The statistics of every version.", content: json("ModelStatistics") },
    },
    errors: ["storage_failed"],
    handler: (services) => async (c) => {
      const all = await services.catalog.list();
      const listed = all.filter(({ name }) => mayUseModel(c, name));
      return respondJson(c, await readStatistics(c, listed, services));
    },
  },
  {
    ...READ_MODEL,
    id: "getModel",
    path: "/models/{model}",
    summary: "Get model metadata",
    description: "Inputs, outputs and versions. Without a version, those of the default one.",
    responses: {
      200: {
        description: "The metadata.",
        headers: ["x-model-version", "x-model-alias"],
        content: json("ModelMetadata"),
      },
    },
    handler:
      ({ router }) =>
      async (c) => {
        const { manifest, versions } = await resolveModel(c, router);
        return respondJson(c, toModelMetadata(manifest, versions));
      },
  },
  {
    ...READ_MODEL,
    id: "getModelConfig",
    path: "/models/{model}/config",
    summary: "Get Triton's model configuration",
    responses: {
      200: {
        description: "The configuration.",
        headers: ["x-model-version", "x-model-alias"],
        content: json("ModelConfig"),
      },
    },
    handler:
      ({ router, config }) =>
      async (c) => {
        const { manifest } = await resolveModel(c, router);
        return respondJson(c, toModelConfig(manifest, { cacheTiers: config.cache.tiers }));
      },
  },
  {
    ...READ_MODEL,
    id: "getModelStatistics",
    path: "/models/{model}/stats",
    summary: "Get model statistics",
    description: "Without a version or an alias, those of every version of the model.",
    responses: {
      200: {
        description: "The statistics, by version.",
        headers: ["x-model-version", "x-model-alias"],
        content: json("ModelStatistics"),
      },
    },
    handler: (services) => async (c) => {
      const { name, version, versions } = await resolveModel(c, services.router);
      const requested = namesVersion(c) ? [version] : versions;
      const ids = requested.map((each) => ({ name, version: each }));
      return respondJson(c, await readStatistics(c, ids, services));
    },
  },
  {
    ...READ_MODEL,
    id: "getModelReady",
    kind: "health",
    path: "/models/{model}/ready",
    summary: "Get model readiness",
    description:
      "A version that the isolate has never loaded is loaded, admitted and queued as a prediction is, and waited for up to two seconds. One that was evicted since is ready without being loaded, as long as its file is in storage.",
    responses: {
      200: {
        description: "The model is ready.",
        headers: ["x-model-version", "x-model-alias"],
        content: json("ModelReadiness"),
      },
      503: {
        description: "The model is loading, its load failed, or it could not be loaded now.",
        content: json("ModelReadiness"),
      },
    },
    handler:
      ({ router, modelReadiness }) =>
      async (c) => {
        const model = await resolveModel(c, router);
        const current = await modelReadiness.check(model, callOf(c));
        const { state } = current;
        const ready = state === "ready";
        const reason = "error" in current ? toApiError(current.error).message : undefined;
        return respondJson(c, { name: model.name, ready, state, reason }, ready ? 200 : 503);
      },
  },
];
