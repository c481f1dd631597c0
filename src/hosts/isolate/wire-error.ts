import { ApiError, ERROR_KINDS, type ErrorCode, toApiError } from "../../domain/errors.ts";

/** An {@link ApiError} as it crosses between isolates. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  /** For the event; a cause never reaches a client. */
  readonly cause: string | undefined;
}

/** Far more than any error has. */
const MAX_DETAILS_LENGTH = 65_536;

export function toWireError(thrown: unknown): WireError {
  const { code, message, details, cause } = toApiError(thrown);
  return { code, message, details, cause: cause === undefined ? undefined : describe(cause) };
}

/** Takes anything, because the isolate of a model may send anything. */
export function fromWireError(wire: Partial<Record<keyof WireError, unknown>>): ApiError {
  const { code, message, details, cause } = wire ?? {};
  if (typeof code !== "string" || !Object.hasOwn(ERROR_KINDS, code) || typeof message !== "string")
    return toApiError(new Error("the isolate of the model failed with what is no error"));
  return new ApiError(code as ErrorCode, message, {
    cause: typeof cause === "string" ? cause : undefined,
    ...(isPlain(details) && { details }),
  });
}

/** Whether details can be in a response. */
function isPlain(details: unknown): details is Readonly<Record<string, unknown>> {
  if (typeof details !== "object" || details === null || Array.isArray(details)) return false;
  try {
    return JSON.stringify(details).length <= MAX_DETAILS_LENGTH;
  } catch {
    return false;
  }
}

function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.stack ?? `${cause.name}: ${cause.message}`;
}
