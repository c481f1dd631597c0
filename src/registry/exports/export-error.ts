import { ApiError } from "../../domain/errors.ts";

/** An export that cannot be served, with what to do about it. */
export function invalidExport(
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): ApiError {
  return new ApiError("invalid_model", message, { details });
}
