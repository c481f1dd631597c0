import type { Context } from "hono";
import { toApiError } from "../domain/errors.ts";
import type { AppEnv } from "./context.ts";
import { toOpenAiError } from "./openai-error.ts";
import { PROBLEM_MEDIA_TYPE, toProblem } from "./problem.ts";
import { respond } from "./respond.ts";

/**
 * Renders whatever a route threw: `{"error": ...}` of the Open Inference Protocol under `/v2`, that of OpenAI under `/v1`,
 * `application/problem+json` (RFC 9457) everywhere else, with the same `code`.
 */
export function renderError(thrown: unknown, c: Context<AppEnv>): Response {
  const error = toApiError(thrown);
  const { code, message, details, kind } = error;
  const request_id = c.get("requestId");
  const { status } = kind;
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
  const problem = JSON.stringify(toProblem(error, request_id));
  return respond(c, problem, { status, contentType: PROBLEM_MEDIA_TYPE });
}

function isUnder(c: Context<AppEnv>, prefix: string): boolean {
  return c.req.path === prefix || c.req.path.startsWith(`${prefix}/`);
}
