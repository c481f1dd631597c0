import type { ApiError } from "../../domain/errors.ts";
import type { RenderedError } from "../../http/rendered-error.ts";

/**
 * "Inference Response JSON Error Object": `{"error": message}`, with further fields. Not compressed: tritonclient's
 * asyncio client accepts gzip, but does not decompress it.
 */
export function renderInferenceError(
  { code, message, details }: ApiError,
  requestId: string,
): RenderedError {
  return {
    contentType: "application/json",
    body: JSON.stringify({ error: message, code, request_id: requestId, details }),
    compress: false,
  };
}
