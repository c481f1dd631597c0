import type { ApiError } from "../../domain/errors.ts";
import type { RenderedError } from "../../http/rendered-error.ts";

/** `{"error": message}`, as TensorFlow Serving and KServe write it, with further fields. */
export function renderKserveError(
  { code, message, details }: ApiError,
  requestId: string,
): RenderedError {
  return {
    contentType: "application/json",
    body: JSON.stringify({ error: message, code, request_id: requestId, details }),
  };
}
