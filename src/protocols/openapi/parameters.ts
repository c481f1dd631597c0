import { MODEL_REFERENCE, MODEL_VERSION } from "../../domain/model-id.ts";
import type { Parameter, Reference } from "./openapi-types.ts";

/** Parameters of requests, by their names. `authorization` is a security scheme instead. */
export const PARAMETERS = {
  model: {
    name: "model",
    in: "path",
    description:
      "The model's name. Except under /admin, `name@alias` and `name@version` as well; the name alone is the default version.",
    required: true,
    schema: { type: "string", pattern: MODEL_REFERENCE.source },
    example: "iris-logistic",
  },
  version: {
    name: "version",
    in: "path",
    description: "The version's number.",
    required: true,
    schema: { type: "string", pattern: MODEL_VERSION.source },
    example: "1",
  },
  region: {
    name: "region",
    in: "path",
    description: "The name of a region of shared memory.",
    required: true,
    schema: { type: "string" },
    example: "input0",
  },
  file: {
    name: "file",
    in: "path",
    description:
      "The file's path as the model names it, relative and percent-encoded: `weights%2F0.bin` for `weights/0.bin`.",
    required: true,
    schema: { type: "string", minLength: 1, maxLength: 200 },
    example: "model.onnx.data",
  },
  context: {
    name: "context",
    in: "query",
    description:
      "Of an exported language model: how many tokens prompt and answer may have together, if fewer than the model was made for.",
    schema: { type: "integer", minimum: 2, maximum: 131_072 },
    example: 1024,
  },
  "x-request-id": {
    name: "x-request-id",
    in: "header",
    description:
      "An id for the request: 1 to 128 letters, digits and `._:-`. An invalid id is replaced by a generated one.",
    schema: { type: "string" },
    example: "order-4711",
  },
  "x-timeout-ms": {
    name: "x-timeout-ms",
    in: "header",
    description: "The deadline, in milliseconds from the request's arrival; at most `TIMEOUT_MS`.",
    schema: { type: "integer", minimum: 1, maximum: 999_999_999 },
    example: 10_000,
  },
  "cache-control": {
    name: "cache-control",
    in: "header",
    description:
      "The supported directives are `no-cache`, `no-store`, `max-age` and `only-if-cached` (RFC 9111).",
    schema: { type: "string" },
    example: "max-age=60",
  },
  "if-none-match": {
    name: "if-none-match",
    in: "header",
    description: "The `etag` of a response that the client has; 304 if it is still current.",
    schema: { type: "string" },
  },
  "content-encoding": {
    name: "content-encoding",
    in: "header",
    description: "The compression of the body. The size limit applies to the decompressed body.",
    schema: { type: "string", enum: ["identity", "gzip", "x-gzip", "deflate"] },
    example: "identity",
  },
  "inference-header-content-length": {
    name: "inference-header-content-length",
    in: "header",
    description:
      "The length of the JSON in bytes, when binary tensor data follows it; 0 when the body is only the data of a single input.",
    schema: { type: "integer", minimum: 0 },
  },
} as const satisfies Record<string, Parameter>;

export type ParameterName = keyof typeof PARAMETERS;

export function parameterReferences(names: readonly ParameterName[]): Reference[] {
  return names.map((name) => ({ $ref: `#/components/parameters/${name}` }));
}
