/**
 * Every error of the API, by its code, with its status over HTTP. Throw an {@link ApiError}: it is rendered once, in the
 * form of the operation's protocol.
 */

export interface ErrorKind {
  readonly status:
    | 400
    | 401
    | 403
    | 404
    | 405
    | 408
    | 409
    | 411
    | 412
    | 413
    | 415
    | 429
    | 499
    | 500
    | 501
    | 502
    | 503
    | 504
    | 507;
  readonly title: string;
  /** Whether the same request may succeed later, so that a client knows whether to retry. */
  readonly retryable: boolean;
}

export const ERROR_KINDS = {
  invalid_request: { status: 400, title: "Invalid request", retryable: false },
  invalid_json: { status: 400, title: "Body is not JSON", retryable: false },
  empty_body: { status: 400, title: "Empty body", retryable: false },
  invalid_input: { status: 400, title: "Invalid input", retryable: false },
  invalid_shape: { status: 400, title: "Invalid shape", retryable: false },
  invalid_datatype: { status: 400, title: "Invalid datatype", retryable: false },
  value_out_of_range: { status: 400, title: "Value out of range", retryable: false },
  unknown_output: { status: 400, title: "Unknown output", retryable: false },
  inference_failed: { status: 400, title: "The model refused the input", retryable: false },
  digest_mismatch: { status: 400, title: "The digest differs", retryable: false },
  example_mismatch: { status: 400, title: "The example's answer differs", retryable: false },
  invalid_manifest: { status: 400, title: "Invalid manifest", retryable: false },
  invalid_model: { status: 400, title: "Invalid model", retryable: false },
  invalid_truth: { status: 400, title: "Invalid truth", retryable: false },
  background_missing: { status: 400, title: "No background rows", retryable: false },
  invalid_signature: { status: 400, title: "Invalid signature", retryable: false },
  unauthorized: { status: 401, title: "Unauthorized", retryable: false },
  forbidden: { status: 403, title: "Forbidden", retryable: false },
  route_not_found: { status: 404, title: "No such route", retryable: false },
  model_not_found: { status: 404, title: "No such model", retryable: false },
  version_not_found: { status: 404, title: "No such version", retryable: false },
  alias_not_found: { status: 404, title: "No such alias", retryable: false },
  asset_not_found: { status: 404, title: "No such file of the dashboard", retryable: false },
  background_not_found: { status: 404, title: "No background rows", retryable: false },
  profile_not_found: { status: 404, title: "No reference profile", retryable: false },
  key_not_found: { status: 404, title: "No such API key", retryable: false },
  prediction_not_found: { status: 404, title: "No such prediction", retryable: false },
  prediction_expired: {
    status: 404,
    title: "The prediction is not kept any more",
    retryable: false,
  },
  webhook_not_found: { status: 404, title: "No such webhook", retryable: false },
  method_not_allowed: { status: 405, title: "Method not allowed", retryable: false },
  body_timeout: { status: 408, title: "The body did not arrive in time", retryable: true },
  publication_conflict: {
    status: 409,
    title: "Another publication of the same manifest",
    retryable: false,
  },
  upload_incomplete: { status: 409, title: "Parts of a file are missing", retryable: false },
  version_exists: { status: 409, title: "The version already exists", retryable: false },
  version_deleted: { status: 409, title: "The version was deleted", retryable: false },
  version_in_use: { status: 409, title: "The version is in use", retryable: false },
  key_revoked: { status: 409, title: "The API key is revoked", retryable: false },
  routing_conflict: { status: 409, title: "The routing is another one", retryable: false },
  length_required: { status: 411, title: "Length required", retryable: false },
  precondition_failed: {
    status: 412,
    title: "The resource has changed meanwhile",
    retryable: false,
  },
  body_too_large: { status: 413, title: "Body too large", retryable: false },
  unsupported_media_type: { status: 415, title: "Unsupported media type", retryable: false },
  overloaded: { status: 429, title: "Too many requests in flight", retryable: true },
  deadline_exceeded: { status: 429, title: "The deadline cannot be met", retryable: true },
  rate_limited: { status: 429, title: "The rate limit is exceeded", retryable: true },
  quota_exceeded: { status: 429, title: "The quota is exceeded", retryable: false },
  too_many_attempts: { status: 429, title: "Too many failed attempts", retryable: true },
  /** 499 is nginx's status; it occurs only in events, because the client has disconnected. */
  client_closed_request: { status: 499, title: "The client closed the request", retryable: false },
  engine_crashed: { status: 500, title: "The engine crashed", retryable: true },
  internal: { status: 500, title: "Internal error", retryable: false },
  not_supported: { status: 501, title: "Not supported", retryable: false },
  task_not_supported: { status: 501, title: "Task not supported", retryable: false },
  storage_failed: { status: 502, title: "Object storage failed", retryable: true },
  authority_unavailable: {
    status: 503,
    title: "The authority of API keys is out of reach",
    retryable: true,
  },
  monitoring_unavailable: {
    status: 503,
    title: "What was collected is out of reach",
    retryable: true,
  },
  model_missing: { status: 503, title: "A file of the model is missing", retryable: true },
  model_corrupt: {
    status: 503,
    title: "The stored model is corrupt",
    retryable: true,
  },
  routing_corrupt: { status: 503, title: "The stored routing is corrupt", retryable: false },
  signature_invalid: { status: 503, title: "The stored signature is not valid", retryable: false },
  model_load_failed: { status: 503, title: "The model could not be loaded", retryable: true },
  not_cached: { status: 504, title: "Not in the cache", retryable: false },
  out_of_memory: { status: 507, title: "Out of memory", retryable: false },
  model_too_large: { status: 507, title: "The model is too large", retryable: false },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_KINDS;

export interface ApiErrorOptions {
  readonly cause?: unknown;
  /** Machine-readable details: what was expected, what was received, what is valid. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, options: ApiErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details;
  }

  get kind(): ErrorKind {
    return ERROR_KINDS[this.code];
  }
}

/** An unknown throwable becomes `internal`: only the event has its cause. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError(
    "internal",
    "The service failed to process the request; the error was logged.",
    {
      cause: error,
    },
  );
}

/** Whether a model did not fit in the memory that there is for it. */
export function isLackOfMemory(error: unknown): boolean {
  return (
    error instanceof ApiError &&
    (error.code === "out_of_memory" || error.code === "model_too_large")
  );
}
