import { ApiError } from "../domain/errors.ts";
import { nameTypedParts } from "./form-files.ts";
import { countHeaderBytes, countParts, MAX_HEADER_BYTES } from "./form-parts.ts";

const MAX_FORM_PARTS = 4096;

/**
 * The parts of a body of multipart/form-data.
 * @throws ApiError `body_too_large` for more parts or headers than are accepted, `invalid_request` for a body that is no form
 */
export async function readForm(contentType: string, body: Uint8Array): Promise<FormData> {
  checkParts(contentType, body);
  try {
    const headers = { "content-type": contentType };
    const named = nameTypedParts(contentType, body) as Uint8Array<ArrayBuffer>;
    return await new Response(named, { headers }).formData();
  } catch (cause) {
    throw new ApiError(
      "invalid_request",
      `The body is not a valid multipart/form-data form: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

/** Each part takes some hundred bytes of memory, however short it is, and parsing its headers takes time. */
function checkParts(contentType: string, body: Uint8Array): void {
  if (countHeaderBytes(contentType, body) > MAX_HEADER_BYTES)
    throw new ApiError(
      "body_too_large",
      `The headers of the form's parts have more than ${MAX_HEADER_BYTES} bytes, the most accepted.`,
      { details: { limit: MAX_HEADER_BYTES } },
    );
  if (countParts(contentType, body, MAX_FORM_PARTS) <= MAX_FORM_PARTS) return;
  throw new ApiError(
    "body_too_large",
    `The form has more than ${MAX_FORM_PARTS} parts, the most accepted.`,
    { details: { limit: MAX_FORM_PARTS } },
  );
}
