/** Failures that are no error response of the server. */
export type ClientErrorCode =
  /** The connection failed. */
  | "network_error"
  /** The call timed out. */
  | "timeout"
  /** A response that does not conform to the protocol, or was cut off. */
  | "invalid_response"
  /** A response with an error status and without a code, such as of a proxy. */
  | "http_error";

export interface OnnxflareErrorOptions {
  readonly status?: number | undefined;
  readonly requestId?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
}

/** Any failure of a call except the caller's own abort, which rejects with the signal's reason. */
export class OnnxflareError extends Error {
  override readonly name = "OnnxflareError";
  /** Of the response; `undefined` when there was none, as for an input refused before it was sent. */
  readonly status: number | undefined;
  /** The server's code, such as `model_not_found`, or a {@link ClientErrorCode}. */
  readonly code: string;
  /** The server's id of the request, which its event has too. */
  readonly requestId: string | undefined;
  /** Machine-readable details: what was expected, what was received, what is valid. */
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: string, message: string, options: OnnxflareErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.status;
    this.requestId = options.requestId;
    this.details = options.details;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}
