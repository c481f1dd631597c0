import type { Context } from "hono";
import { ApiError, type ErrorCode } from "../../../domain/errors.ts";
import type { Manifest } from "../../../domain/manifest.ts";
import { formatModelId, type ModelId, refuseReservedName } from "../../../domain/model-id.ts";
import type { Routing } from "../../../domain/routing.ts";
import type { ChangeAuthor } from "../../../domain/routing-change.ts";
import { callOf } from "../../../http/call.ts";
import type { AppEnv } from "../../../http/context.ts";
import { recordChange } from "../../../http/record-change.ts";
import { respond } from "../../../http/respond.ts";
import { LOAD_MODEL, READ_BODY } from "../../error-groups.ts";
import { parseJson } from "../../json.ts";
import type { Operation } from "../../operation.ts";
import type { Services } from "../../services.ts";
import { authorOf } from "../change-author.ts";
import { parsePublishBody } from "../publish-body.ts";
import { recordRouteChange } from "../record-route-change.ts";
import { json } from "../schemas.ts";
import { parseVersionPath, VERSION } from "../version-path.ts";

/** Publishing, whatever the model comes from. */
export const PUBLISH: readonly ErrorCode[] = [
  "invalid_request",
  "invalid_model",
  "invalid_manifest",
  "example_mismatch",
  "digest_mismatch",
  "model_not_found",
  "version_not_found",
  "version_exists",
  "version_deleted",
  "upload_incomplete",
  "invalid_signature",
  "body_too_large",
  "routing_conflict",
  "routing_corrupt",
  ...LOAD_MODEL,
];

export const PUBLICATION_OPERATIONS: readonly Operation[] = [
  {
    ...VERSION,
    id: "publishUploads",
    method: "post",
    path: `${VERSION.path}/publish`,
    summary: "Publish a model version from the files that were sent for it",
    description:
      "With a manifest: it is checked against its schema and the model, each of its files against its digest and size, its models are loaded, and its example is run and compared. With a task alone: the rest is proposed, and `proposed` says what was assumed. With neither, as `PUT` of the model after its other files. Nothing is visible before the manifest is written, which is last; of several publications of a version one succeeds, with all of its files.",
    parameters: ["content-encoding"],
    body: {
      required: false,
      content: json("PublishRequest"),
    },
    audit: {
      request: ["task", "context", "file", "files", "alias", "actor", "note", "force", "dryRun"],
    },
    responses: {
      200: {
        description: "With `dryRun`: what would be published.",
        content: json("PreparedVersion"),
      },
      201: {
        description: "What was published.",
        headers: ["location"],
        content: json("PublishedVersion"),
      },
    },
    errors: [...new Set([...READ_BODY, ...PUBLISH, "publication_conflict" as const])],
    handler:
      ({ prefix, publisher, routing }) =>
      async (c) => {
        const id = parseVersionPath(c);
        refuseReservedName(id.name);
        const bytes = c.get("body");
        const request = bytes.byteLength > 0 ? parsePublishBody(parseJson(bytes)) : {};
        const { waitUntil } = callOf(c);
        const author = authorOf(c, request);
        const { manifest, manifestText, proposed } = await publisher.publish(
          id,
          { ...request, author },
          waitUntil,
        );
        const proposal = proposed.length > 0 ? { proposed } : {};
        if (request.dryRun)
          return respond(c, JSON.stringify({ manifest, manifestText, ...proposal }));
        recordPublication(c, manifest);
        if (request.alias)
          recordRouteChange(c, await pointAlias(routing, id, request.alias, author));
        c.get("headers").location = `${prefix}/v2/models/${id.name}/versions/${id.version}`;
        return respond(c, JSON.stringify({ manifest, ...proposal }), { status: 201 });
      },
  },
];

/** Notes for the audit log that a version exists from now on, and of which files. */
export function recordPublication(
  c: Context<AppEnv>,
  { files, format, postprocess }: Manifest,
): void {
  const digests = Object.fromEntries(files.map(({ path, sha256 }) => [path, sha256]));
  recordChange(c, { after: { files: digests, format, task: postprocess?.type } });
}

/** @throws ApiError that says that the version is published, where the alias cannot be changed */
export async function pointAlias(
  routing: Services["routing"],
  { name, version }: ModelId,
  alias: string,
  author: ChangeAuthor,
): Promise<Routing> {
  try {
    const split = [{ version, weight: 1 }];
    return await routing.change(name, { action: "alias", alias, split }, author);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new ApiError(
      error.code,
      `${formatModelId({ name, version })} is published, but the alias "${alias}" was not changed: ${error.message}`,
      { cause: error, ...(error.details && { details: error.details }) },
    );
  }
}
