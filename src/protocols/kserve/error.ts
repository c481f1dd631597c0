import type { ApiError } from "../../domain/errors.ts";
import { quotaMembers } from "../../http/problem.ts";
import type { RenderedError } from "../../http/rendered-error.ts";

/** `{"error": message}`, as TensorFlow Serving and KServe write it, with further fields. */
export function renderKserveError(apiError: ApiError, requestId: string): RenderedError {
  const { code, message, details } = apiError;
  return {
    contentType: "application/json",
    body: JSON.stringify({
      error: message,
      code,
      request_id: requestId,
      ...quotaMembers(apiError),
      details,
    }),
  };
}
