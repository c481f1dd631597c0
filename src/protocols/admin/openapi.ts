import { LOAD_MODEL, READ_BODY } from "../openapi/error-groups.ts";
import { BYTES, json, type Route } from "../openapi/route.ts";
import type { SchemaName } from "../openapi/schemas.ts";

/** What a model's owner and an operator do. */

const VERSION = "/admin/models/{model}/versions/{version}";

function look(
  path: string,
  operationId: string,
  summary: string,
  answer: SchemaName,
  errors: NonNullable<Route["errors"]> = [],
): Route {
  const answers = { 200: { description: "As asked.", content: json(answer) } };
  const tag = "Administration";
  return { method: "get", path, operationId, tag, summary, access: "admin", answers, errors };
}

export const ADMIN_ROUTES: readonly Route[] = [
  look("/admin/models", "listVersions", "Every published version", "PublishedVersions", [
    "storage_failed",
  ]),
  look("/admin/runtime", "getRuntime", "What is in memory", "RuntimeStatistics"),
  look("/admin/cache", "getCache", "What the cache saved", "CacheStatistics"),
  {
    method: "post",
    path: "/admin/cache/purge",
    operationId: "purgeCache",
    tag: "Administration",
    summary: "Erase cached answers",
    description:
      'Of a `model`, of one `version` of it, of a `client`, or `{"all": true}` alone for everything.',
    access: "admin",
    parameters: ["content-encoding"],
    body: {
      required: true,
      content: json("PurgeRequest", { model: { value: { model: "iris-logistic" } } }),
    },
    answers: { 200: { description: "Erased.", content: json("PurgeSummary") } },
    errors: [...READ_BODY, "empty_body", "storage_failed"],
  },
  {
    method: "put",
    path: VERSION,
    operationId: "publishVersion",
    tag: "Administration",
    summary: "Publish an ONNX or ORT file",
    description:
      "Inputs and outputs are read from the file. It is sent with a `content-length` of at most `MAX_MODEL_BYTES`, not compressed. Published versions never change.",
    access: "admin",
    body: { required: true, content: BYTES },
    answers: {
      201: {
        description: "Published, with this manifest.",
        headers: ["location"],
        content: json("Manifest"),
      },
    },
    errors: [
      "invalid_request",
      "empty_body",
      "invalid_model",
      "model_not_found",
      "version_not_found",
      "version_exists",
      "length_required",
      "body_too_large",
      ...LOAD_MODEL,
    ],
  },
  {
    method: "delete",
    path: VERSION,
    operationId: "deleteVersion",
    tag: "Administration",
    summary: "End a version",
    access: "admin",
    answers: { 200: { description: "Ended.", content: json("DeletedVersion") } },
    errors: ["model_not_found", "version_not_found", "storage_failed", "model_corrupt"],
  },
];
