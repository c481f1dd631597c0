import { ERROR_KINDS, type ErrorCode } from "../../domain/errors.ts";
import {
  type Access,
  type OperationResponse,
  type OperationRoute,
  runsModels,
  scopeOf,
} from "../operation.ts";
import type { Protocol } from "../protocol.ts";
import { type HeaderName, headerReferences } from "./headers.ts";
import type { Operation, Response, Schema } from "./openapi-types.ts";
import { type ParameterName, parameterReferences } from "./parameters.ts";
import { schemaReference } from "./schema-reference.ts";

/** The security scheme of keys, of which an operation names the scope that it needs. */
export const BEARER = "bearer";

function toSecurity(access: Access, isOpen: boolean): Operation["security"] {
  const scope = scopeOf(access, { repositoryControl: "admin" });
  if (scope === undefined) return access === "identified" ? [{ [BEARER]: [] }] : [];
  return [...(isOpen ? [{}] : []), { [BEARER]: [scope] }];
}

/** Of every operation that is not public. */
const IDENTIFYING: readonly ErrorCode[] = [
  "unauthorized",
  "forbidden",
  "too_many_attempts",
  "authority_unavailable",
];

/** Errors of every operation. OpenAPI has no other place to document a path's unsupported methods. */
const EVERYWHERE: readonly ErrorCode[] = ["method_not_allowed", "rate_limited", "internal"];

/** Of operations that run models. */
const LIMIT_HEADERS: readonly HeaderName[] = ["ratelimit-policy", "ratelimit"];

const ERROR_HEADERS: Readonly<Record<number, readonly HeaderName[]>> = {
  401: ["www-authenticate"],
  403: ["www-authenticate"],
  405: ["allow"],
  429: ["retry-after"],
};

/**
 * An operation of a protocol in the form of OpenAPI.
 * @param isOpen whether anybody may use the operation without a key
 */
export function toOpenApiOperation(
  route: OperationRoute,
  protocol: Protocol,
  isOpen: boolean,
): Operation {
  const { id, summary, path, operation } = route;
  const { access, body, description, parameters = [], responses, tag } = operation;
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as ParameterName);
  const identifying = access === "public" ? [] : IDENTIFYING;
  const codes = [...new Set([...route.errors, ...EVERYWHERE, ...identifying])];
  return {
    operationId: id,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [tag],
    security: toSecurity(access, isOpen),
    parameters: parameterReferences([
      ...inPath,
      ...parameters,
      "x-request-id",
      "traceparent",
      "tracestate",
    ]),
    ...(body ? { requestBody: body } : {}),
    responses: toResponses(responses, codes, protocol, runsModels(operation) ? LIMIT_HEADERS : []),
  };
}

function toResponses(
  successes: Readonly<Record<string, OperationResponse>>,
  codes: readonly ErrorCode[],
  { errors: { contentType, schema, narrow } }: Protocol,
  common: readonly HeaderName[],
): Record<string, Response> {
  const responses = Object.entries(successes).map(
    ([status, { description, headers = [], content }]) =>
      [status, toResponse(description, [...common, ...headers], content)] as const,
  );
  const byStatus = Map.groupBy(codes, (code) => ERROR_KINDS[code].status);
  const statuses = [...byStatus].sort(([a], [b]) => a - b);
  const errors = statuses.map(([status, group]) => {
    const success = successes[status];
    const meanings = group.map((code) => `\`${code}\`: ${ERROR_KINDS[code].title}.`);
    const description = [...(success ? [success.description] : []), ...meanings].join(" ");
    const headers = [
      ...(status === 401 || status === 403 ? [] : common),
      ...(success?.headers ?? []),
      ...(ERROR_HEADERS[status] ?? []),
    ];
    const error: Schema = { allOf: [schemaReference(schema), narrow({ enum: group })] };
    const other = success?.content?.[contentType]?.schema;
    const content = { [contentType]: { schema: other ? { anyOf: [other, error] } : error } };
    return [String(status), toResponse(description, headers, content)] as const;
  });
  // For a status of both, the error's entry replaces the success's, which it includes.
  return Object.fromEntries([...responses, ...errors]);
}

function toResponse(
  description: string,
  headers: readonly HeaderName[],
  content: OperationResponse["content"],
): Response {
  return {
    description,
    headers: headerReferences("x-request-id", "server-timing", "traceresponse", ...headers),
    ...(content ? { content } : {}),
  };
}
