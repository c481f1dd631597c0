import type { ApiError } from "../domain/errors.ts";

export const PROBLEM_MEDIA_TYPE = "application/problem+json";

/** An error as problem details (RFC 9457). */
export function toProblem({ code, message, details, kind }: ApiError, requestId: string): object {
  const { status, title } = kind;
  return {
    type: "about:blank",
    title,
    status,
    detail: message,
    code,
    request_id: requestId,
    details,
  };
}
