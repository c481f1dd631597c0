import { ApiError } from "../../../domain/errors.ts";
import { type ModelId, refuseReservedName } from "../../../domain/model-id.ts";
import { aliasSchema } from "../../../domain/routing.ts";
import { TASK_KINDS, type TaskKind } from "../../../domain/task-kinds.ts";
import { callOf } from "../../../http/call.ts";
import { respond } from "../../../http/respond.ts";
import { quote } from "../../../shared/quote.ts";
import { BINARY_CONTENT } from "../../openapi/schema-reference.ts";
import type { Operation } from "../../operation.ts";
import { authorOf } from "../change-author.ts";
import { FILE_BODY, readFileBody } from "../file-body.ts";
import { parseFlag } from "../parse-query.ts";
import { MAX_CONTEXT, MIN_CONTEXT } from "../publish-body.ts";
import { recordRouteChange } from "../record-route-change.ts";
import { json } from "../schemas.ts";
import { parseVersionPath, VERSION } from "../version-path.ts";
import { PUBLISH, pointAlias, recordPublication } from "./publication.ts";

export const VERSION_OPERATIONS: readonly Operation[] = [
  {
    ...VERSION,
    id: "publishVersion",
    method: "put",
    summary: "Publish a model version from an ONNX or ORT file",
    description:
      "Inputs, outputs and labels are read from the file. A ZipMap at the end is replaced by the tensor that it reads, and weights in other files, sent before, become part of the model. Of an export of Optimum or transformers.js whose `config.json`, `tokenizer.json` and other files of configuration were sent before, the task is derived as well, and run once. `original` of the manifest has the digest of the file as it was sent. The file must not be compressed, and requires a `content-length` of at most `MAX_MODEL_BYTES`. Published versions never change.",
    parameters: [
      "taskOfVersion",
      "context",
      "aliasOfVersion",
      "forcePublication",
      "repr-digest",
      "content-digest",
    ],
    body: { required: true, content: BINARY_CONTENT },
    streamsBody: true,
    audit: { request: ["task", "context", "alias", "force"] },
    responses: {
      201: {
        description: "The manifest of the published version.",
        headers: ["location"],
        content: json("Manifest"),
      },
    },
    errors: [...new Set([...FILE_BODY, ...PUBLISH])],
    handler:
      ({ config, prefix, publisher, routing }) =>
      async (c) => {
        const id = parseVersionPath(c);
        refuseReservedName(id.name);
        const { part, body, sizeBytes, sha256, contentSha256 } = readFileBody(c, config);
        if (part) throw partOfModel(id);
        const task = parseTask(c.req.query("task"));
        const context = parseContext(c.req.query("context"));
        const digests = { "repr-digest": sha256, "content-digest": contentSha256 };
        const force = parseFlag("force", c.req.query("force"));
        const alias = parseAlias(c.req.query("alias"));
        const author = authorOf(c);
        const request = { model: { body, sizeBytes, digests }, task, context, force, author };
        const { manifest } = await publisher.publish(id, request, callOf(c).waitUntil);
        recordPublication(c, manifest);
        if (alias !== undefined) recordRouteChange(c, await pointAlias(routing, id, alias, author));
        c.get("headers").location = `${prefix}/v2/models/${id.name}/versions/${id.version}`;
        return respond(c, JSON.stringify(manifest), { status: 201 });
      },
  },
];

/** @throws ApiError `invalid_request` */
function parseTask(text: string | undefined): TaskKind | undefined {
  if (text === undefined) return undefined;
  const task = TASK_KINDS.find((kind) => kind === text);
  if (task) return task;
  throw new ApiError(
    "invalid_request",
    `The query parameter "task" must be one of ${TASK_KINDS.join(", ")}; got ${quote(text)}.`,
    { details: { field: "task" } },
  );
}

/** @throws ApiError `invalid_request` */
function parseContext(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const context = Number(text);
  if (/^\d+$/.test(text) && context >= MIN_CONTEXT && context <= MAX_CONTEXT) return context;
  throw new ApiError(
    "invalid_request",
    `The query parameter "context" must be a number of tokens from ${MIN_CONTEXT} to ${MAX_CONTEXT}, got ${quote(text)}.`,
    { details: { field: "context" } },
  );
}

/** @throws ApiError `invalid_request` */
function parseAlias(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const result = aliasSchema.safeParse(text);
  if (result.success) return result.data;
  throw new ApiError(
    "invalid_request",
    `The query parameter "alias" is not valid: ${result.error.issues[0]?.message}; got ${quote(text)}.`,
    { details: { field: "alias" } },
  );
}

function partOfModel({ name, version }: ModelId): ApiError {
  const route = `/admin/models/${name}/versions/${version}`;
  return new ApiError(
    "invalid_request",
    `A version is published of the whole model: send parts with PUT ${route}/files/model.onnx, and publish them with POST ${route}/publish.`,
    { details: { header: "content-range" } },
  );
}
