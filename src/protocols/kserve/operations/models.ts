import { callOf } from "../../../http/call.ts";
import { respond } from "../../../http/respond.ts";
import { RESOLVE_MODEL } from "../../error-groups.ts";
import { toVersionStatus } from "../../model-status.ts";
import type { Operation } from "../../operation.ts";
import { toServingMetadata } from "../metadata.ts";
import { resolveModel } from "../resolve-model.ts";
import { json } from "../schemas.ts";

/** Properties that the operations share. */
const READ_MODEL = {
  method: "get",
  access: "models:read",
  tag: "Models",
} as const satisfies Partial<Operation>;

/** `GET /v1/models/{model}`, the status of a model, is also OpenAI's: `protocols/openai`. */
export const MODEL_OPERATIONS: readonly Operation[] = [
  {
    ...READ_MODEL,
    id: "getVersionStatus",
    kind: "health",
    path: "/{model}/versions/{version}",
    summary: "Get the status of a version in TensorFlow Serving's form",
    description:
      "Loads the version as `/v2/models/{model}/ready` does. The version 0 is the default one.",
    responses: {
      200: {
        description: "The version is ready.",
        headers: ["x-model-version", "x-model-alias"],
        content: json("ModelVersionStatus"),
      },
      503: {
        description: "The version is not ready.",
        content: json("ModelVersionStatus"),
      },
    },
    errors: [...RESOLVE_MODEL, "invalid_request"],
    handler:
      ({ router, modelReadiness }) =>
      async (c) => {
        const model = await resolveModel(c, router);
        const current = await modelReadiness.check(model, callOf(c));
        const status = current.state === "ready" ? 200 : 503;
        const body = { model_version_status: [toVersionStatus(model.version, current)] };
        return respond(c, JSON.stringify(body), { status });
      },
  },
  {
    ...READ_MODEL,
    id: "getServingMetadata",
    kind: "metadata",
    path: "/{model}/metadata",
    versioned: true,
    summary: "Get model metadata in TensorFlow Serving's form",
    description:
      "Fields have the names of TensorFlow Serving and, in camel case, those of OpenVINO Model Server. The version 0 is the default one.",
    responses: {
      200: {
        description: "The metadata.",
        headers: ["x-model-version", "x-model-alias"],
        content: json("ServingMetadata"),
      },
    },
    errors: RESOLVE_MODEL,
    handler:
      ({ router }) =>
      async (c) => {
        const { manifest } = await resolveModel(c, router);
        return respond(c, JSON.stringify(toServingMetadata(manifest)));
      },
  },
];
