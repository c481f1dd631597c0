import { ApiError, ERROR_KINDS, type ErrorCode, toApiError } from "../../../domain/errors.ts";

/** An {@link ApiError} as it crosses between isolates. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  /** For the event; a cause never reaches a client. */
  readonly cause: string | undefined;
}

/** More than the message and the details of any error have. */
const MAX_LENGTH = 65_536;
/** What the Worker decides before a model is called. Their details may become headers. */
const OF_WORKER: ReadonlySet<string> = new Set<ErrorCode>([
  "unauthorized",
  "route_not_found",
  "method_not_allowed",
  "model_not_found",
  "version_not_found",
]);

export function toWireError(thrown: unknown): WireError {
  const { code, message, details, cause } = toApiError(thrown);
  return { code, message, details, cause: cause === undefined ? undefined : describe(cause) };
}

/** Takes anything, because the isolate of a model may send anything. */
export function fromWireError(wire: Partial<Record<keyof WireError, unknown>>): ApiError {
  const { code, message, details, cause } = wire ?? {};
  if (!isCodeOfRun(code) || typeof message !== "string" || message.length > MAX_LENGTH)
    return toApiError(new Error("the isolate of the model failed with what is no error"));
  return new ApiError(code, message, {
    cause: typeof cause === "string" ? cause : undefined,
    ...(isPlain(details) && { details }),
  });
}

function isCodeOfRun(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(ERROR_KINDS, code) && !OF_WORKER.has(code);
}

/** Whether details can be in a response. */
function isPlain(details: unknown): details is Readonly<Record<string, unknown>> {
  if (typeof details !== "object" || details === null || Array.isArray(details)) return false;
  // The details of `method_not_allowed` alone are a header.
  if ("allow" in details) return false;
  try {
    return JSON.stringify(details).length <= MAX_LENGTH;
  } catch {
    return false;
  }
}

function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.stack ?? `${cause.name}: ${cause.message}`;
}
