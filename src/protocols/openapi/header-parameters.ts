import { SUBJECT_ID } from "../../domain/subject.ts";
import type { Parameter } from "./openapi-types.ts";

/** Parameters in headers, by their names. `authorization` is a security scheme instead. */
export const HEADER_PARAMETERS = {
  "x-sticky-key": {
    name: "x-sticky-key",
    in: "header",
    description:
      "Of an alias that is split by this header: requests with the same value get the same version.",
    schema: { type: "string" },
    example: "customer-42",
  },
  "x-subject-id": {
    name: "x-subject-id",
    in: "header",
    description:
      "The id of the person whom the request is about. Only a keyed hash of it is kept, by which what is kept of the request can be exported and erased.",
    schema: { type: "string", pattern: SUBJECT_ID.source },
    example: "user-42",
  },
  traceparent: {
    name: "traceparent",
    in: "header",
    description:
      "The trace and the span to which the request belongs (W3C Trace Context). One that is not valid is ignored.",
    schema: { type: "string" },
    example: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  },
  tracestate: {
    name: "tracestate",
    in: "header",
    description: "Beside `traceparent`: what tracing systems pass on.",
    schema: { type: "string" },
    example: "congo=t61rcWkgMzE",
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
  "if-match": {
    name: "if-match",
    in: "header",
    description:
      "The `etag` of the response that the change is made of; 412 if it is not current any more.",
    schema: { type: "string" },
    example: '"3"',
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
  "content-range": {
    name: "content-range",
    in: "header",
    description:
      "For a part of a file: its first and last byte, and the size of the whole file (RFC 9110, section 14.4).",
    schema: { type: "string", pattern: "^bytes [0-9]+-[0-9]+/[0-9]+$" },
  },
  "repr-digest": {
    name: "repr-digest",
    in: "header",
    description:
      "SHA-256 of the whole file, `sha-256=:BASE64:` (RFC 9530). Required for parts of files.",
    schema: { type: "string" },
  },
  "content-digest": {
    name: "content-digest",
    in: "header",
    description: "SHA-256 of the body, `sha-256=:BASE64:` (RFC 9530).",
    schema: { type: "string" },
  },
  "inference-header-content-length": {
    name: "inference-header-content-length",
    in: "header",
    description:
      "The length of the JSON in bytes, when binary tensor data follows it; 0 when the body is only the data of a single input.",
    schema: { type: "integer", minimum: 0 },
  },
} as const satisfies Record<string, Parameter>;
