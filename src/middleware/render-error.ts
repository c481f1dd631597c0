import type { Context } from "hono";
import { toApiError } from "../domain/errors.ts";
import type { AppEnv } from "./context.ts";
import { toOpenAiError } from "./openai-error.ts";
import { respond } from "./respond.ts";

/**
 * Renders whatever a route threw: `{"error": ...}` of the Open Inference Protocol under `/v2`, that of OpenAI under `/v1`,
 * `application/problem+json` (RFC 9457) everywhere else, with the same `code`.
 */
export function renderError(thrown: unknown, c: Context<AppEnv>): Response {
  const { code, message, details, kind } = toApiError(thrown);
  const request_id = c.get("requestId");
  const { status, title } = kind;
  const { allow, retryAfterSeconds } = details ?? {};
  const headers = c.get("headers");
  if (typeof allow === "string") headers.allow = allow;
  if (typeof retryAfterSeconds === "number") headers["retry-after"] = String(retryAfterSeconds);
  if (isUnder(c, "/v2"))
    return respond(c, JSON.stringify({ error: message, code, request_id, details }), {
      status,
      compress: false,
    });
  if (isUnder(c, "/v1"))
    return respond(c, JSON.stringify(toOpenAiError(code, message, details)), { status });
  const problem = {
    type: "about:blank",
    title,
    status,
    detail: message,
    code,
    request_id,
    details,
  };
  return respond(c, JSON.stringify(problem), { status, contentType: "application/problem+json" });
}

function isUnder(c: Context<AppEnv>, prefix: string): boolean {
  return c.req.path === prefix || c.req.path.startsWith(`${prefix}/`);
}
