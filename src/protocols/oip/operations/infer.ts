import type { Context, MiddlewareHandler } from "hono";
import type { PublishedModel } from "../../../domain/published-model.ts";
import type { Tensor } from "../../../domain/tensor.ts";
import { callOf } from "../../../http/call.ts";
import type { AppEnv } from "../../../http/context.ts";
import { plainLength, readBody } from "../../../http/read-body.ts";
import { respondAgain, respondBytes, toFinished } from "../../../http/respond.ts";
import { PREDICT } from "../../error-groups.ts";
import { BINARY_CONTENT } from "../../openapi/schema-reference.ts";
import type { Handler, Operation } from "../../operation.ts";
import { noteModel, resolveModel } from "../../resolve-model.ts";
import type { Services } from "../../services.ts";
import { HEADER_LENGTH, type InferRequest, parseInferRequest } from "../infer-request.ts";
import { toInferResponse } from "../infer-response.ts";
import { json } from "../schemas.ts";

const ENCODER = new TextEncoder();

const FEATURES = {
  name: "features",
  datatype: "FP32",
  shape: [1, 4],
  data: [5.1, 3.5, 1.4, 0.2],
};

export const INFER: Operation = {
  id: "infer",
  kind: "inference",
  method: "post",
  path: "/models/{model}/infer",
  versioned: true,
  access: "client",
  tag: "Predictions",
  summary: "Tensors in, tensors out",
  description:
    "JSON, or JSON followed by binary tensor data (Triton's extension). Responses are cached; `cache-status` tells how.",
  parameters: [
    "x-timeout-ms",
    "cache-control",
    "if-none-match",
    "content-encoding",
    "inference-header-content-length",
  ],
  body: {
    description: "A body is read by `inference-header-content-length`, whatever its content-type.",
    required: true,
    content: {
      ...json("InferRequest", {
        flower: { value: { inputs: [FEATURES], outputs: [{ name: "probabilities" }] } },
        binary: { value: { inputs: [FEATURES], parameters: { binary_data_output: true } } },
      }),
      ...BINARY_CONTENT,
    },
  },
  responses: {
    200: {
      description: "The outputs: as JSON, or, where bytes were asked for, JSON and then the bytes.",
      headers: [
        "x-model-version",
        "cache-status",
        "age",
        "etag",
        "content-encoding",
        "inference-header-content-length",
      ],
      content: { ...json("InferResponse"), ...BINARY_CONTENT },
    },
    304: {
      description: "The client has the response.",
      headers: ["x-model-version", "cache-status", "age", "etag"],
    },
  },
  errors: [...PREDICT, "unknown_output"],
  beforeQueue: respondFromCache,
  handler: inferHandler,
};

/**
 * Answers a small request that is identical to an earlier one from the response cache. It is not queued: that would
 * take longer than the response does.
 */
function respondFromCache({
  config,
  catalog,
  finishedAnswers,
}: Services): MiddlewareHandler<AppEnv> {
  return async function respondFromCache(c, next) {
    const published = catalog.recall(c.req.param("model") ?? "", c.req.param("version"));
    if (!published) return next();
    const call = callOf(c);
    const length = plainLength(c);
    if (!finishedAnswers.accept(published, call.cache, length)) return next();
    noteModel(c, published);
    const body = await readBody(c, config.maxBodyBytes, length);
    const asked = finishedAnswers.identify(published, toForm(c), body);
    c.set("asked", asked);
    const known = await finishedAnswers.find(published, asked, call);
    return known ? respondAgain(c, known) : next();
  };
}

function inferHandler({ config, catalog, infer, finishedAnswers }: Services): Handler {
  return async (c) => {
    const trace = c.get("trace");
    const published = await resolveModel(c, catalog);
    const body = await readBody(c, config.maxBodyBytes);
    const request = trace.measure("parse", () =>
      parseInferRequest(body, c.req.header(HEADER_LENGTH), published.manifest.inputs),
    );
    if (request.timeoutMs !== undefined) c.get("permit")?.deadline.limit(request.timeoutMs);
    const { inputs } = request;
    const names = request.outputs?.map(({ name }) => name);
    const outputs = await infer({ model: published, inputs, outputs: names }, callOf(c));
    const parts = trace.measure("serialize", () => encode(c, published, request, outputs));
    const response = respondBytes(c, parts, { contentType: toContentType(parts) });
    // Stored where it is looked up: a body without a length, or compressed, is not.
    const asked = response.status === 200 ? c.get("asked") : undefined;
    const answer = { sizeBytes: trace.bytesOut, finish: () => toFinished(c, parts) };
    finishedAnswers.keep(asked, answer, outputs, trace.cache);
    return response;
  };
}

/** What of a request, beside its body, decides how it is understood. */
function toForm(c: Context<AppEnv>): string {
  return `infer ${c.req.header(HEADER_LENGTH) ?? ""}`;
}

/** The answer's JSON and, where tensors are to be binary, their data; its headers are noted. */
function encode(
  c: Context<AppEnv>,
  published: PublishedModel,
  request: InferRequest,
  outputs: readonly Tensor[],
): readonly Uint8Array[] {
  const { json, binary } = toInferResponse(published, request, outputs, published.manifest.labels);
  const { name, version, revision } = published;
  const { id, binaryByDefault } = request;
  c.set("variant", JSON.stringify([name, version, revision, id, request.outputs, binaryByDefault]));
  const head = ENCODER.encode(json);
  const headers = c.get("headers");
  // Compressed here or not at all: tritonclient reads gzip, and not the brotli that Cloudflare may choose.
  headers["cache-control"] = "no-transform";
  if (binary.length > 0) headers[HEADER_LENGTH] = String(head.byteLength);
  return [head, ...binary];
}

function toContentType(parts: readonly Uint8Array[]): string {
  return parts.length === 1 ? "application/json" : "application/octet-stream";
}
