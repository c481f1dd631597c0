import { ERROR_KINDS, type ErrorCode } from "../../domain/errors.ts";
import { type HeaderName, headerReferences } from "./headers.ts";
import type {
  MediaType,
  Method,
  Operation,
  RequestBody,
  Response,
  Schema,
} from "./openapi-types.ts";
import { type ParameterName, parameterReferences } from "./parameters.ts";
import { type SchemaName, schemaReference } from "./schemas.ts";

/** The security scheme of the admin key. */
export const ADMIN_KEY = "adminKey";
/** The security scheme of a client that may stay unknown. */
export const CLIENT_KEY = "clientKey";

export const TAGS = {
  Predictions: "Answers of models.",
  Models: "What models take and give, and how they are used.",
  Server: "The server itself.",
  Repository: "What is in the memory of the isolate that answers: Triton's model repository.",
  Administration: "Publishing, deleting, and looking inside. Needs the admin key.",
  Documentation: "This document.",
} as const;

/** A route, with what the document can't tell by itself. */
export interface Route {
  readonly method: Method;
  /** In OpenAPI's form, `/models/{model}`. */
  readonly path: string;
  readonly operationId: string;
  readonly tag: keyof typeof TAGS;
  readonly summary: string;
  readonly description?: string;
  /** Who may: everybody, everybody with or without a key, or those with the admin key. */
  readonly access?: "client" | "admin";
  /** Beside those in the path, and `x-request-id`. */
  readonly parameters?: readonly ParameterName[];
  readonly body?: RequestBody;
  /** By status, what is no error. */
  readonly answers: Readonly<Record<string, Answer>>;
  /** Beside {@link EVERYWHERE}. */
  readonly errors?: readonly ErrorCode[];
}

export interface Answer {
  readonly description: string;
  /** Beside `x-request-id` and `server-timing`. */
  readonly headers?: readonly HeaderName[];
  readonly content?: Readonly<Record<string, MediaType>>;
}

const SECURITY = {
  public: [],
  client: [{}, { [CLIENT_KEY]: [] }],
  admin: [{ [ADMIN_KEY]: [] }],
} as const;

/** Errors of every route. OpenAPI has no place for what a path answers to its other methods but this. */
const EVERYWHERE: readonly ErrorCode[] = ["method_not_allowed", "internal"];

const ERROR_HEADERS: Readonly<Record<number, readonly HeaderName[]>> = {
  401: ["www-authenticate"],
  405: ["allow"],
  429: ["retry-after"],
};

/** JSON of a named schema. */
export function json(
  name: SchemaName,
  examples?: MediaType["examples"],
): Record<string, MediaType> {
  const schema = { ...schemaReference(name) };
  return { "application/json": examples ? { schema, examples } : { schema } };
}

/** Bytes, which OpenAPI 3.1 describes by their media type alone. */
export const BYTES: Record<string, MediaType> = {
  "application/octet-stream": { schema: { type: "string", format: "binary" } },
};

/** The route, and the same for a version that is named. */
export function withVersions(route: Route): Route[] {
  const { path, operationId, summary, errors = [] } = route;
  const ofVersion: Route = {
    ...route,
    path: path.replace("{model}", "{model}/versions/{version}"),
    operationId: `${operationId}OfVersion`,
    summary: `${summary}, of a version`,
    errors: [...errors, "version_not_found"],
  };
  return [route, ofVersion];
}

export function toOperation(route: Route): Operation {
  const { method: _, path, tag, answers, errors = [], access, body, ...texts } = route;
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as ParameterName);
  const codes = [...new Set([...errors, ...EVERYWHERE])];
  if (access === "admin") codes.push("unauthorized");
  return {
    ...texts,
    tags: [tag],
    security: SECURITY[access ?? "public"],
    parameters: parameterReferences([...inPath, ...(route.parameters ?? []), "x-request-id"]),
    ...(body ? { requestBody: body } : {}),
    responses: toResponses(answers, codes, errorForm(path)),
  };
}

function toResponses(
  answers: Route["answers"],
  codes: readonly ErrorCode[],
  form: ErrorForm,
): Record<string, Response> {
  const responses = Object.entries(answers).map(([status, answer]) => {
    const { description, headers = [], content } = answer;
    return [status, toResponse(description, headers, content)] as const;
  });
  const byStatus = Map.groupBy(codes, (code) => ERROR_KINDS[code].status);
  const statuses = [...byStatus].sort(([a], [b]) => a - b);
  const errors = statuses.map(([status, group]) => {
    const answer = answers[status];
    const meanings = group.map((code) => `\`${code}\`: ${ERROR_KINDS[code].title}.`);
    const description = [...(answer ? [answer.description] : []), ...meanings].join(" ");
    const headers = [...(answer?.headers ?? []), ...(ERROR_HEADERS[status] ?? [])];
    const type = form === "Problem" ? "application/problem+json" : "application/json";
    const error = errorSchema(form, group);
    const other = answer?.content?.[type]?.schema;
    const schema = other ? { anyOf: [other, error] } : error;
    return [String(status), toResponse(description, headers, { [type]: { schema } })] as const;
  });
  // A status of both kinds is the errors', which have taken the answer in.
  return Object.fromEntries([...responses, ...errors]);
}

function toResponse(
  description: string,
  headers: readonly HeaderName[],
  content: Answer["content"],
): Response {
  return {
    description,
    headers: headerReferences("x-request-id", "server-timing", ...headers),
    ...(content ? { content } : {}),
  };
}

/** The schema of errors by the path's beginning. */
type ErrorForm = "InferenceError" | "OpenAiError" | "Problem";

function errorForm(path: string): ErrorForm {
  if (path.startsWith("/v2")) return "InferenceError";
  return path.startsWith("/v1") ? "OpenAiError" : "Problem";
}

function errorSchema(form: ErrorForm, codes: readonly ErrorCode[]): Schema {
  const code = { properties: { code: { enum: codes } } };
  const narrowed = form === "OpenAiError" ? { properties: { error: code } } : code;
  return { allOf: [schemaReference(form), narrowed] };
}
