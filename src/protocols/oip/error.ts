import type { ApiError } from "../../domain/errors.ts";
import { quotaMembers } from "../../http/problem.ts";
import type { RenderedError } from "../../http/rendered-error.ts";

/**
 * "Inference Response JSON Error Object": `{"error": message}`, with further fields. Not compressed: tritonclient's
 * asyncio client accepts gzip, but does not decompress it.
 */
export function renderInferenceError(apiError: ApiError, requestId: string): RenderedError {
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
    compress: false,
  };
}
