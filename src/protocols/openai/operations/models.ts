import type { PublishedModel } from "../../../domain/published-model.ts";
import { mayUseModel } from "../../../http/authenticate.ts";
import { callOf } from "../../../http/call.ts";
import { respond } from "../../../http/respond.ts";
import type { Readiness } from "../../../registry/readiness.ts";
import { RESOLVE_MODEL } from "../../error-groups.ts";
import { toVersionStatus } from "../../model-status.ts";
import type { Operation } from "../../operation.ts";
import { resolveModel } from "../../resolve-model.ts";
import { toOpenAiModel, toOpenAiModelList } from "../models.ts";
import { nameField } from "../name-field.ts";
import { json } from "../schemas.ts";

/** The state of a version that nobody has asked for: its first request loads it. */
const AVAILABLE: Readiness = { state: "ready" };

export const MODEL_OPERATIONS: readonly Operation[] = [
  {
    id: "listOpenAiModels",
    kind: "metadata",
    method: "get",
    path: "/models",
    access: "models:read",
    tag: "Models",
    summary: "List models in OpenAI's form",
    description: "Has KServe's `models` too.",
    responses: {
      200: { description: "The models, sorted by name.", content: json("OpenAiModelList") },
    },
    errors: ["storage_failed"],
    handler:
      ({ repository }) =>
      async (c) => {
        const models = (await repository.newest()).filter(({ name }) => mayUseModel(c, name));
        return respond(c, JSON.stringify(toOpenAiModelList(models)));
      },
  },
  {
    id: "getOpenAiModel",
    kind: "metadata",
    method: "get",
    path: "/models/{model}",
    access: "models:read",
    tag: "Models",
    summary: "Get a model and its status in the form of OpenAI, KServe v1 and TensorFlow Serving",
    description:
      "Loads the default version, or that of `name@version` or `name@alias`, as `/v2/models/{model}/ready` does.",
    responses: {
      200: {
        description: "The model is ready.",
        headers: ["x-model-version", "x-model-alias"],
        content: json("OpenAiModelStatus"),
      },
      503: {
        description: "The model is not ready.",
        content: json("OpenAiModelStatus"),
      },
    },
    errors: RESOLVE_MODEL,
    handler:
      ({ router, modelReadiness }) =>
      async (c) => {
        const model = await resolveModel(c, router).catch(nameField("model"));
        const current = await modelReadiness.check(model, callOf(c));
        const ready = current.state === "ready";
        const body = {
          ...toOpenAiModel(c.req.param("model") ?? "", Date.parse(model.manifest.createdAt)),
          name: model.name,
          ready,
          model_version_status: toStatuses(model, current),
        };
        return respond(c, JSON.stringify(body), { status: ready ? 200 : 503 });
      },
  },
];

function toStatuses({ version, versions }: PublishedModel, current: Readiness): object[] {
  return versions.map((each) => toVersionStatus(each, each === version ? current : AVAILABLE));
}
