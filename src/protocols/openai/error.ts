import * as z from "zod";
import { type ApiError, ERROR_KINDS, type ErrorCode } from "../../domain/errors.ts";
import type { RenderedError } from "../../http/rendered-error.ts";

/** Schema of an error in OpenAI's form (https://platform.openai.com/docs/guides/error-codes). */
export const openAiErrorSchema = z
  .strictObject({
    error: z.strictObject({
      message: z.string().describe("Human-readable message."),
      type: z.enum([
        "invalid_request_error",
        "authentication_error",
        "rate_limit_error",
        "insufficient_quota",
        "server_error",
      ]),
      param: z.string().nullable().describe("The field of the request that is wrong."),
      code: z.enum(Object.keys(ERROR_KINDS) as [ErrorCode, ...ErrorCode[]]),
    }),
  })
  .describe("An error in OpenAI's form, with the same codes as on all routes.");

/** An error in the form of OpenAI's API; `details.field` is the field of the request that is wrong. */
export function renderOpenAiError({ code, message, details, kind }: ApiError): RenderedError {
  const { field } = details ?? {};
  const param = typeof field === "string" && field !== "" ? field : null;
  const error = { message, type: typeOf(code, kind.status), param, code };
  return { contentType: "application/json", body: JSON.stringify({ error }) };
}

function typeOf(
  code: ErrorCode,
  status: number,
): z.output<typeof openAiErrorSchema>["error"]["type"] {
  if (code === "quota_exceeded") return "insufficient_quota";
  if (status === 401) return "authentication_error";
  if (status === 429) return "rate_limit_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}
