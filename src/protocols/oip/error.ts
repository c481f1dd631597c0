import type { ApiError } from "../../domain/errors.ts";
import type { RenderedError } from "../../http/rendered-error.ts";

/**
 * "Inference Response JSON Error Object": `{"error": message}`, with more beside it. Not compressed: tritonclient's
 * asyncio client accepts gzip, and does not decompress.
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
