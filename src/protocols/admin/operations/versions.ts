import type { Context } from "hono";
import { ApiError } from "../../../domain/errors.ts";
import {
  type ModelId,
  parseModelName,
  parseModelVersion,
  refuseReservedName,
} from "../../../domain/model-id.ts";
import { callOf } from "../../../http/call.ts";
import { parseContentCoding } from "../../../http/content-coding.ts";
import type { AppEnv } from "../../../http/context.ts";
import { endWhenStalled } from "../../../http/end-when-stalled.ts";
import { respond } from "../../../http/respond.ts";
import { quote } from "../../../shared/quote.ts";
import { LOAD_MODEL } from "../../error-groups.ts";
import { BINARY_CONTENT } from "../../openapi/schema-reference.ts";
import type { Operation } from "../../operation.ts";
import type { Services } from "../../services.ts";
import { json } from "../schemas.ts";

const MIN_CONTEXT = 2;
const MAX_CONTEXT = 131_072;

const VERSION = {
  kind: "admin",
  path: "/models/{model}/versions/{version}",
  access: "admin",
  tag: "Administration",
} as const satisfies Partial<Operation>;

export const VERSION_OPERATIONS: readonly Operation[] = [
  {
    ...VERSION,
    id: "publishVersion",
    method: "put",
    summary: "Publish a model version from an ONNX or ORT file",
    description:
      "Inputs, outputs and labels are read from the file. A ZipMap at the end is replaced by the tensor that it reads, and weights in other files, sent before, become part of the model. Of an export of Optimum or transformers.js whose `config.json`, `tokenizer.json` and other files of configuration were sent before, the task is derived as well, and run once. `original` of the manifest has the digest of the file as it was sent. The file must not be compressed, and requires a `content-length` of at most `MAX_MODEL_BYTES`. Published versions never change.",
    parameters: ["context"],
    body: { required: true, content: BINARY_CONTENT },
    streamsBody: true,
    responses: {
      201: {
        description: "The manifest of the published version.",
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
      "unsupported_media_type",
      "body_too_large",
      "body_timeout",
      ...LOAD_MODEL,
    ],
    handler:
      ({ config, prefix, publisher }) =>
      async (c) => {
        const id = parseModelId(c);
        refuseReservedName(id.name);
        const { body, sizeBytes } = fileBody(c, config);
        const context = parseContext(c.req.query("context"));
        const manifest = await publisher.publish(id, body, sizeBytes, callOf(c).waitUntil, {
          context,
        });
        c.get("headers").location = `${prefix}/v2/models/${id.name}/versions/${id.version}`;
        return respond(c, JSON.stringify(manifest), { status: 201 });
      },
  },
  {
    ...VERSION,
    id: "uploadFile",
    method: "put",
    path: `${VERSION.path}/files/{file}`,
    summary: "Send a file of a model version beside its model",
    description:
      "For a model whose weights are in other files (ONNX's external data), and for the files of configuration of an export (`config.json`, `generation_config.json`, `tokenizer.json`, `tokenizer_config.json`, `chat_template.jinja`) and the encoder of an encoder-decoder (`encoder_model.onnx`): send each of them before the model is published. The file must not be compressed, and requires a `content-length` of at most `MAX_MODEL_BYTES`. It is deleted when the version is published; sending it again replaces it.",
    body: { required: true, content: BINARY_CONTENT },
    streamsBody: true,
    responses: { 201: { description: "The stored file.", content: json("UploadedFile") } },
    errors: [
      "invalid_request",
      "empty_body",
      "model_not_found",
      "version_not_found",
      "version_exists",
      "length_required",
      "unsupported_media_type",
      "body_too_large",
      "body_timeout",
      "storage_failed",
    ],
    handler:
      ({ config, publisher }) =>
      async (c) => {
        const id = parseModelId(c);
        refuseReservedName(id.name);
        const path = c.req.param("file") ?? "";
        const { body, sizeBytes } = fileBody(c, config);
        await publisher.upload(id, path, body, sizeBytes);
        return respond(c, JSON.stringify({ file: { ...id, path, sizeBytes } }), { status: 201 });
      },
  },
  {
    ...VERSION,
    id: "deleteVersion",
    method: "delete",
    summary: "Delete a model version",
    responses: { 200: { description: "The deleted version.", content: json("DeletedVersion") } },
    errors: ["model_not_found", "version_not_found", "storage_failed", "model_corrupt"],
    handler:
      ({ publisher }) =>
      async (c) => {
        const id = parseModelId(c);
        await publisher.remove(id);
        return respond(c, JSON.stringify({ deleted: id }));
      },
  },
];

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

function parseModelId(c: Context<AppEnv>): ModelId {
  const name = parseModelName(c.req.param("model") ?? "");
  const version = parseModelVersion(name, c.req.param("version") ?? "");
  const trace = c.get("trace");
  trace.model = name;
  trace.version = version;
  return { name, version };
}

/** The body as a stream of known length, which storage requires. */
function fileBody(
  c: Context<AppEnv>,
  { maxModelBytes: maxBytes, timeoutMs }: Services["config"],
): { body: ReadableStream<Uint8Array>; sizeBytes: number } {
  const { body } = c.req.raw;
  if (parseContentCoding(c.req.header("content-encoding")) !== "identity")
    throw new ApiError(
      "unsupported_media_type",
      `The file is sent with content-encoding ${quote(c.req.header("content-encoding") ?? "")}: send it uncompressed.`,
    );
  const length = c.req.header("content-length");
  if (!body || length === "0")
    throw new ApiError("empty_body", "The body is empty: send the file.");
  const sizeBytes = Number(length);
  if (length === undefined || !Number.isSafeInteger(sizeBytes))
    throw new ApiError("length_required", "Send the file with a content-length header.");
  if (sizeBytes > maxBytes)
    throw new ApiError(
      "body_too_large",
      `The file is ${sizeBytes} bytes, over the limit of ${maxBytes} bytes (MAX_MODEL_BYTES).`,
      { details: { limitBytes: maxBytes } },
    );
  c.get("trace").bytesIn = sizeBytes;
  return { body: endWhenStalled(body, timeoutMs), sizeBytes };
}
