import type { ModelId } from "../../../domain/model-id.ts";
import { refuseReservedName } from "../../../domain/model-id.ts";
import { isComplete, receivedRanges, type Upload } from "../../../domain/upload.ts";
import { recordChange } from "../../../http/record-change.ts";
import { respond } from "../../../http/respond.ts";
import { BINARY_CONTENT } from "../../openapi/schema-reference.ts";
import type { Operation } from "../../operation.ts";
import { FILE_BODY, readFileBody } from "../file-body.ts";
import { json } from "../schemas.ts";
import { parseVersionPath, VERSION } from "../version-path.ts";

const FILES = { ...VERSION, path: `${VERSION.path}/files` } as const;

/** Files of a version that is published later. */
export const UPLOAD_OPERATIONS: readonly Operation[] = [
  {
    ...FILES,
    id: "uploadFile",
    method: "put",
    path: `${FILES.path}/{file}`,
    hasSlashes: true,
    summary: "Send a file of a model version before it is published",
    description:
      "The model itself, its weights in other files (ONNX's external data), other models of the version, and files of configuration such as `tokenizer.json`. The body is the whole file, or a part of it with `content-range` and the SHA-256 of the whole file in `repr-digest` (RFC 9530): parts may be sent in any order, several at once, and again, and `GET .../files` says what has arrived. The file must not be compressed, and requires a `content-length`; with its other parts it may have `MAX_MODEL_BYTES`. A digest in `repr-digest` of a whole file, and in `content-digest`, is checked. What was sent is deleted when the version is published.",
    parameters: ["content-range", "repr-digest", "content-digest"],
    body: { required: true, content: BINARY_CONTENT },
    streamsBody: true,
    audit: {},
    responses: {
      201: { description: "What of the file has arrived.", content: json("UploadedFile") },
    },
    errors: [
      ...FILE_BODY,
      "model_not_found",
      "version_not_found",
      "version_exists",
      "storage_failed",
    ],
    handler:
      ({ config, uploads }) =>
      async (c) => {
        const id = parseVersionPath(c);
        refuseReservedName(id.name);
        const path = c.req.param("file") ?? "";
        const upload = await uploads.put(id, { path, ...readFileBody(c, config) });
        const file = toUploadedFile(id, upload);
        const { sizeBytes, sha256, complete } = file;
        recordChange(c, { after: { sizeBytes, sha256, complete } });
        return respond(c, JSON.stringify({ file }), { status: 201 });
      },
  },
  {
    ...FILES,
    id: "listUploads",
    method: "get",
    summary: "List the files that were sent for a model version",
    description:
      "What has arrived of each file, by which an upload is resumed. Files of a published version are no uploads any more.",
    responses: {
      200: { description: "The files, with the ranges of bytes.", content: json("UploadedFiles") },
    },
    errors: ["model_not_found", "version_not_found", "storage_failed"],
    handler:
      ({ uploads }) =>
      async (c) => {
        const files = (await uploads.list(parseVersionPath(c))).map(toListedFile);
        return respond(c, JSON.stringify({ files }));
      },
  },
  {
    ...FILES,
    id: "deleteUploads",
    method: "delete",
    summary: "Delete the files that were sent for a model version",
    audit: {},
    responses: { 200: { description: "What was deleted.", content: json("DeletedUploads") } },
    errors: ["model_not_found", "version_not_found", "storage_failed"],
    handler:
      ({ uploads }) =>
      async (c) => {
        const id = parseVersionPath(c);
        const removedObjects = await uploads.drop(id);
        recordChange(c, { after: { removedObjects } });
        return respond(c, JSON.stringify({ deleted: id, removedObjects }));
      },
  },
];

function toUploadedFile({ name, version }: ModelId, upload: Upload) {
  const { path, sizeBytes, sha256 } = upload;
  const receivedBytes = receivedRanges(upload).reduce(
    (sum, { start, end }) => sum + end - start + 1,
    0,
  );
  const complete = isComplete(upload);
  return { name, version, path, sizeBytes, ...(sha256 && { sha256 }), receivedBytes, complete };
}

function toListedFile(upload: Upload) {
  const { path, sizeBytes, sha256 } = upload;
  const received = receivedRanges(upload).map(({ start, end }) => [start, end]);
  return {
    path,
    sizeBytes,
    ...(sha256 && { sha256 }),
    received,
    complete: isComplete(upload),
  };
}
