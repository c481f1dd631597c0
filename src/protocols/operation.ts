import type { Context } from "hono";
import type { Scope } from "../domain/access/scope.ts";
import type { ErrorCode } from "../domain/errors.ts";
import type { OperationKind } from "../domain/event.ts";
import type { AuditRule } from "../http/audited.ts";
import type { AppEnv } from "../http/context.ts";
import type { HeaderName } from "./openapi/headers.ts";
import type { MediaType, Method, RequestBody } from "./openapi/openapi-types.ts";
import type { ParameterName } from "./openapi/parameters.ts";
import type { RequestIdentity } from "./respond-from-cache.ts";
import type { Services } from "./services.ts";

export type Handler = (c: Context<AppEnv>) => Response | Promise<Response>;

/** A prediction, serialized by the protocol. */
export interface Representation {
  readonly contentType: string;
  /** Sent one after the other. */
  readonly parts: readonly Uint8Array[];
  /**
   * Everything that the bytes depend on besides the output tensors, as JSON values: the version, and the options of the
   * request. It distinguishes the entity tags of representations of the same tensors. Without it there is no entity tag.
   */
  readonly variant?: readonly unknown[];
}

/** Returns the representation of a prediction, or the response itself where it is streamed. */
export type InferenceHandler = (c: Context<AppEnv>) => Promise<Representation | Response>;

/** Groups of operations in the OpenAPI document. */
export const TAGS = {
  Predictions: "Run a model.",
  Models: "Inputs, outputs and statistics of models.",
  Server: "Health and metadata of the server.",
  Repository:
    "Triton's model repository: which models are in the memory of the isolate that handles the request.",
  Administration:
    "Publish and delete versions, read statistics, purge the cache, administer keys. Requires a key.",
  Dashboard: "The files of the dashboard, which have no data.",
  Documentation: "The documentation of the API.",
} as const;

/** One operation of a protocol: its route, its documentation and its handler. */
export type Operation = InferenceOperation | ExplanationOperation | OtherOperation;

export function runsModels(
  operation: Operation,
): operation is InferenceOperation | ExplanationOperation {
  return operation.kind === "inference" || operation.kind === "explanation";
}

/** Runs models: its requests are admitted, queued and limited. */
export interface InferenceOperation extends OperationBase {
  readonly kind: "inference";
  /** What identifies its requests in the response cache. */
  readonly identity: RequestIdentity;
  readonly handler: (services: Services) => InferenceHandler;
}

/** Runs models for nobody's prediction: its requests are admitted, queued and limited, and no statistics of models count them. */
export interface ExplanationOperation extends OperationBase {
  readonly kind: "explanation";
  readonly identity?: undefined;
  readonly handler: (services: Services) => InferenceHandler;
}

export interface OtherOperation extends OperationBase {
  readonly kind: Exclude<OperationKind, "inference" | "explanation">;
  /** Of an operation that changes something: its requests are recorded in the audit log. */
  readonly audit?: AuditRule;
  readonly handler: (services: Services) => Handler;
}

interface OperationBase {
  /** OpenAPI's `operationId`, and `operation` in events. */
  readonly id: string;
  readonly method: Method;
  /** Below the protocol's base path, in OpenAPI's form: `/models/{model}`. A verb may follow: `/{model}:predict`. */
  readonly path: string;
  /**
   * The value of the path parameter `model` that selects this operation among those of the same path. Hono's
   * RegExpRouter supports no two paths that both match a request.
   */
  readonly reservedModel?: string;
  /** Whether the last parameter of the path may have slashes, as paths of files do. */
  readonly hasSlashes?: boolean;
  /** Whether `/versions/{version}` may follow `{model}`. */
  readonly versioned?: boolean;
  /**
   * Who may call it: any client (`public`); clients with the scope; clients with the scope `models:write`, or those with the scope
   * `predict` if `REPOSITORY_CONTROL` is `open` (`repository`); clients with the scope `metrics`, or any if `PUBLIC_METRICS` is `on`
   * (`scrape`).
   */
  readonly access: Access;
  readonly tag: keyof typeof TAGS;
  readonly summary: string;
  readonly description?: string;
  /** In addition to those in the path, and those of every operation: `x-request-id`, `traceparent`, `tracestate`. */
  readonly parameters?: readonly ParameterName[];
  readonly body?: RequestBody;
  /** Whether the handler reads the body as a stream, instead of getting it as a whole. */
  readonly streamsBody?: boolean;
  /** Responses other than errors, by status. */
  readonly responses: Readonly<Record<string, OperationResponse>>;
  /** In addition to those of every operation. */
  readonly errors?: readonly ErrorCode[];
}

export type Access = "public" | "identified" | "repository" | "scrape" | Scope;

interface AccessConfig {
  readonly repositoryControl: "admin" | "open";
  readonly publicMetrics?: boolean;
}

/** The scope that a client needs; `undefined` where anybody may use it. */
export function scopeOf(
  access: Access,
  { repositoryControl, publicMetrics = false }: AccessConfig,
): Scope | undefined {
  if (access === "public" || access === "identified") return undefined;
  if (access === "scrape") return publicMetrics ? undefined : "metrics";
  if (access !== "repository") return access;
  return repositoryControl === "admin" ? "models:write" : "predict";
}

export interface OperationResponse {
  readonly description: string;
  /** In addition to `x-request-id`, `server-timing` and `traceresponse`. */
  readonly headers?: readonly HeaderName[];
  readonly content?: Readonly<Record<string, MediaType>>;
}

/** An operation at one of its paths, for the OpenAPI document and the router. */
export interface OperationRoute {
  readonly operation: Operation;
  readonly id: string;
  readonly summary: string;
  /** In OpenAPI's form, with the base path. */
  readonly path: string;
  /** In Hono's form, without the base path. */
  readonly pattern: string;
  readonly errors: readonly ErrorCode[];
}

/** The routes of an operation, one for each of its paths. */
export function toRoutes(operation: Operation, basePath: string): OperationRoute[] {
  const { id, summary, path, reservedModel, versioned, hasSlashes, errors = [] } = operation;
  const literal = reservedModel === undefined ? path : path.replace("{model}", reservedModel);
  const isAudited = !runsModels(operation) && operation.audit !== undefined;
  const route: OperationRoute = {
    operation,
    id,
    summary,
    path: `${basePath}${literal}` || "/",
    pattern: `${toPattern(path)}${hasSlashes ? "{[\\s\\S]+}" : ""}`,
    errors: [...errors, ...(isAudited ? (["authority_unavailable"] as const) : [])],
  };
  if (!versioned) return [route];
  const versionPath = path.replace("{model}", "{model}/versions/{version}");
  return [
    route,
    {
      operation,
      id: `${id}OfVersion`,
      summary: `${summary}, for a specific version`,
      path: `${basePath}${versionPath}`,
      pattern: toPattern(versionPath),
      errors: [...errors, "invalid_request", "version_not_found"],
    },
  ];
}

/** A verb is a segment of its own in the router: `Protocol.toRoutedPath`. */
function toPattern(path: string): string {
  return path.replace(/\}:(\w+)$/, "}/~$1").replace(/\{(\w+)\}/g, ":$1") || "/";
}
