import { FIND_MODEL, LOAD_MODEL, PREDICT, READ_BODY } from "../openapi/error-groups.ts";
import { BYTES, json, type Route, withVersions } from "../openapi/route.ts";
import type { SchemaName } from "../openapi/schemas.ts";

/** The Open Inference Protocol v2 with Triton's extensions. */

const FEATURES = {
  name: "features",
  datatype: "FP32",
  shape: [1, 4],
  data: [5.1, 3.5, 1.4, 0.2],
};

function read(
  route: Pick<Route, "path" | "operationId" | "tag" | "summary" | "description" | "errors">,
  answer: SchemaName,
): Route {
  const answers = { 200: { description: "As asked.", content: json(answer) } };
  return { ...route, method: "get", answers };
}

function readModel(
  route: Pick<Route, "path" | "operationId" | "summary" | "description">,
  answer: SchemaName,
): Route[] {
  return withVersions({
    ...route,
    tag: "Models",
    method: "get",
    answers: {
      200: { description: "As asked.", headers: ["x-model-version"], content: json(answer) },
    },
    errors: FIND_MODEL,
  });
}

export const INFERENCE_ROUTES: readonly Route[] = [
  read(
    { path: "/v2", operationId: "getServer", tag: "Server", summary: "Name, version, extensions" },
    "ServerMetadata",
  ),
  read(
    { path: "/v2/health/live", operationId: "getLive", tag: "Server", summary: "Is it alive?" },
    "Live",
  ),
  read(
    { path: "/v2/health/ready", operationId: "getReady", tag: "Server", summary: "Is it ready?" },
    "Ready",
  ),
  read(
    {
      path: "/v2/models",
      operationId: "listModels",
      tag: "Models",
      summary: "The names of the models",
      errors: ["storage_failed"],
    },
    "ModelList",
  ),
  read(
    {
      path: "/v2/models/stats",
      operationId: "getStatistics",
      tag: "Models",
      summary: "Statistics of every version",
      errors: ["storage_failed"],
    },
    "ModelStatistics",
  ),
  ...readModel(
    {
      path: "/v2/models/{model}",
      operationId: "getModel",
      summary: "Inputs, outputs and versions",
      description: "Without a version the newest one answers.",
    },
    "ModelMetadata",
  ),
  ...readModel(
    {
      path: "/v2/models/{model}/config",
      operationId: "getModelConfig",
      summary: "Triton's configuration",
    },
    "ModelConfig",
  ),
  ...readModel(
    {
      path: "/v2/models/{model}/stats",
      operationId: "getModelStatistics",
      summary: "Statistics",
    },
    "ModelStatistics",
  ),
  ...withVersions({
    method: "get",
    path: "/v2/models/{model}/ready",
    operationId: "getModelReady",
    tag: "Models",
    summary: "Can it be asked?",
    description: "Loads the model, and waits up to two seconds for it.",
    answers: {
      200: {
        description: "It can.",
        headers: ["x-model-version"],
        content: json("ModelReadiness"),
      },
      503: { description: "Not yet, or its load failed.", content: json("ModelReadiness") },
    },
    errors: FIND_MODEL,
  }),
  ...withVersions({
    method: "post",
    path: "/v2/models/{model}/infer",
    operationId: "infer",
    tag: "Predictions",
    summary: "Tensors in, tensors out",
    description:
      "JSON, or JSON followed by binary tensor data (Triton's extension). Answers are cached, and told by `cache-status`.",
    access: "client",
    parameters: [
      "x-timeout-ms",
      "cache-control",
      "if-none-match",
      "content-encoding",
      "inference-header-content-length",
    ],
    body: {
      description:
        "A body is read by `inference-header-content-length`, whatever its content-type.",
      required: true,
      content: {
        ...json("InferRequest", {
          flower: { value: { inputs: [FEATURES], outputs: [{ name: "probabilities" }] } },
          binary: { value: { inputs: [FEATURES], parameters: { binary_data_output: true } } },
        }),
        ...BYTES,
      },
    },
    answers: {
      200: {
        description:
          "The outputs: as JSON, or, where bytes were asked for, JSON and then the bytes.",
        headers: [
          "x-model-version",
          "cache-status",
          "age",
          "etag",
          "content-encoding",
          "inference-header-content-length",
        ],
        content: { ...json("InferResponse"), ...BYTES },
      },
      304: {
        description: "The client has the answer.",
        headers: ["x-model-version", "cache-status", "age", "etag"],
      },
    },
    errors: [...PREDICT, "unknown_output"],
  }),
  {
    method: "post",
    path: "/v2/repository/index",
    operationId: "indexRepository",
    tag: "Repository",
    summary: "Every version and its state",
    description: "`READY` also when it is not in memory: its first request loads it.",
    parameters: ["content-encoding"],
    body: {
      required: false,
      content: json("RepositoryIndexRequest", { ready: { value: { ready: true } } }),
    },
    answers: { 200: { description: "As asked.", content: json("RepositoryIndex") } },
    errors: [...READ_BODY, "storage_failed"],
  },
  control("load", "Load the newest version", [...LOAD_MODEL]),
  control("unload", "Give the memory of every version back", []),
];

function control(verb: string, summary: string, errors: NonNullable<Route["errors"]>): Route {
  return {
    method: "post",
    path: `/v2/repository/models/{model}/${verb}`,
    operationId: `${verb}Model`,
    tag: "Repository",
    summary,
    description: "Open to everybody where the setting `REPOSITORY_CONTROL` is `open`.",
    access: "admin",
    parameters: ["content-encoding"],
    body: {
      required: false,
      content: json("RepositoryControlRequest", {
        plain: { value: { parameters: { unload_dependents: false } } },
      }),
    },
    answers: {
      200: {
        description: "Done, or begun.",
        headers: ["x-model-version"],
        content: json("RepositoryState"),
      },
    },
    errors: [...READ_BODY, ...FIND_MODEL, ...errors],
  };
}
