import { respond } from "../../../http/respond.ts";
import { newestVersions } from "../../../registry/newest-versions.ts";
import { RESOLVE_MODEL } from "../../error-groups.ts";
import type { Operation } from "../../operation.ts";
import { resolveModel } from "../../resolve-model.ts";
import { toOpenAiModel, toOpenAiModelList } from "../models.ts";
import { nameField } from "../name-field.ts";
import { json } from "../schemas.ts";

export const MODEL_OPERATIONS: readonly Operation[] = [
  {
    id: "listOpenAiModels",
    kind: "metadata",
    method: "get",
    path: "/models",
    access: "public",
    tag: "Models",
    summary: "List models in OpenAI's form",
    responses: {
      200: { description: "The models, sorted by name.", content: json("OpenAiModelList") },
    },
    errors: ["storage_failed"],
    handler:
      ({ catalog }) =>
      async (c) => {
        const manifests = await newestVersions(catalog);
        return respond(c, JSON.stringify(toOpenAiModelList(manifests)));
      },
  },
  {
    id: "getOpenAiModel",
    kind: "metadata",
    method: "get",
    path: "/models/{model}",
    access: "public",
    tag: "Models",
    summary: "Get a model in OpenAI's form",
    responses: {
      200: {
        description: "The model.",
        headers: ["x-model-version"],
        content: json("OpenAiModel"),
      },
    },
    errors: RESOLVE_MODEL,
    handler:
      ({ catalog }) =>
      async (c) => {
        const { manifest } = await resolveModel(c, catalog).catch(nameField("model"));
        return respond(c, JSON.stringify(toOpenAiModel(manifest)));
      },
  },
];
