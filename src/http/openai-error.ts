import { ERROR_KINDS, type ErrorCode } from "../domain/errors.ts";

/** An error in the form of OpenAI's API; `details.field` is the field of the request that is wrong. */
export function toOpenAiError(
  code: ErrorCode,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): object {
  const { field } = details;
  const param = typeof field === "string" && field !== "" ? field : null;
  return { error: { message, type: typeOf(ERROR_KINDS[code].status), param, code } };
}

function typeOf(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 429) return "rate_limit_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}
