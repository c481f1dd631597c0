import { ApiError, type ErrorCode, toApiError } from "../../domain/errors.ts";

/** An {@link ApiError} as it crosses between isolates. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  /** For the event; a cause never reaches a client. */
  readonly cause: string | undefined;
}

export function toWireError(thrown: unknown): WireError {
  const { code, message, details, cause } = toApiError(thrown);
  return { code, message, details, cause: cause === undefined ? undefined : describe(cause) };
}

export function fromWireError({ code, message, details, cause }: WireError): ApiError {
  return new ApiError(code, message, { cause, ...(details && { details }) });
}

function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.stack ?? `${cause.name}: ${cause.message}`;
}
