import { toApiError } from "../../../domain/errors.ts";
import { RESERVED_MODEL_NAME } from "../../../domain/model-id.ts";
import { callOf } from "../../../http/call.ts";
import { FIND_MODEL } from "../../error-groups.ts";
import type { Operation } from "../../operation.ts";
import { resolveModel } from "../../resolve-model.ts";
import { toModelMetadata } from "../metadata.ts";
import { toModelConfig } from "../model-config.ts";
import { toModelStatistics } from "../model-statistics.ts";
import { respondJson } from "../respond-json.ts";
import { json } from "../schemas.ts";

/** What the operations that read one model have in common. */
const READ_MODEL = {
  kind: "metadata",
  method: "get",
  versioned: true,
  access: "public",
  tag: "Models",
  errors: FIND_MODEL,
} as const satisfies Partial<Operation>;

export const MODEL_OPERATIONS: readonly Operation[] = [
  {
    id: "listModels",
    kind: "metadata",
    method: "get",
    path: "/models",
    access: "public",
    tag: "Models",
    summary: "The names of the models",
    responses: { 200: { description: "Sorted.", content: json("ModelList") } },
    errors: ["storage_failed"],
    handler:
      ({ catalog }) =>
      async (c) => {
        const names = new Set((await catalog.list()).map(({ name }) => name));
        return respondJson(c, { models: [...names].sort() });
      },
  },
  {
    id: "getStatistics",
    kind: "metadata",
    method: "get",
    path: "/models/{model}",
    reservedModel: RESERVED_MODEL_NAME,
    access: "public",
    tag: "Models",
    summary: "Statistics of every version",
    responses: { 200: { description: "Of every version.", content: json("ModelStatistics") } },
    errors: ["storage_failed"],
    handler:
      ({ catalog, statistics }) =>
      async (c) => {
        const all = (await catalog.list()).map(({ name, version }) => statistics.of(name, version));
        return respondJson(c, toModelStatistics(all));
      },
  },
  {
    ...READ_MODEL,
    id: "getModel",
    path: "/models/{model}",
    summary: "Inputs, outputs and versions",
    description: "Without a version, of the newest one.",
    responses: {
      200: {
        description: "The metadata.",
        headers: ["x-model-version"],
        content: json("ModelMetadata"),
      },
    },
    handler:
      ({ catalog }) =>
      async (c) => {
        const { manifest, versions } = await resolveModel(c, catalog);
        return respondJson(c, toModelMetadata(manifest, versions));
      },
  },
  {
    ...READ_MODEL,
    id: "getModelConfig",
    path: "/models/{model}/config",
    summary: "Triton's configuration",
    responses: {
      200: {
        description: "The configuration.",
        headers: ["x-model-version"],
        content: json("ModelConfig"),
      },
    },
    handler:
      ({ catalog }) =>
      async (c) => {
        const { manifest } = await resolveModel(c, catalog);
        return respondJson(c, toModelConfig(manifest));
      },
  },
  {
    ...READ_MODEL,
    id: "getModelStatistics",
    path: "/models/{model}/stats",
    summary: "Statistics",
    description: "Without a version, of every version of the model.",
    responses: {
      200: {
        description: "By version.",
        headers: ["x-model-version"],
        content: json("ModelStatistics"),
      },
    },
    handler:
      ({ catalog, statistics }) =>
      async (c) => {
        const { name, version, versions } = await resolveModel(c, catalog);
        const requested = c.req.param("version") === undefined ? versions : [version];
        return respondJson(
          c,
          toModelStatistics(requested.map((each) => statistics.of(name, each))),
        );
      },
  },
  {
    ...READ_MODEL,
    id: "getModelReady",
    kind: "health",
    path: "/models/{model}/ready",
    summary: "Readiness of a model",
    description: "Loads the model, and waits up to two seconds for it.",
    responses: {
      200: {
        description: "It is ready.",
        headers: ["x-model-version"],
        content: json("ModelReadiness"),
      },
      503: { description: "Loading, or its load failed.", content: json("ModelReadiness") },
    },
    handler:
      ({ catalog, readiness }) =>
      async (c) => {
        const published = await resolveModel(c, catalog);
        const model = await readiness(published, callOf(c).waitUntil);
        const ready = model.state === "ready";
        const reason = model.state === "failed" ? toApiError(model.error).message : undefined;
        const state = { name: published.name, ready, state: model.state, reason };
        return respondJson(c, state, ready ? 200 : 503);
      },
  },
];
