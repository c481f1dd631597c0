import type { ApiError } from "../domain/errors.ts";
import { PROBLEM_MEDIA_TYPE, toProblem } from "../http/problem.ts";
import type { RenderedError } from "../http/rendered-error.ts";
import { problemSchema } from "./error-schema.ts";
import type { ErrorDocumentation } from "./protocol.ts";

/** Errors as problem details (RFC 9457), for protocols that have no form of their own. */
export const PROBLEM_ERRORS = {
  form: "problem details (RFC 9457)",
  contentType: PROBLEM_MEDIA_TYPE,
  schema: "Problem",
  narrow: (code) => ({ properties: { code } }),
} as const satisfies ErrorDocumentation;

export const PROBLEM_SCHEMAS = { Problem: problemSchema } as const;

export function renderProblem(error: ApiError, requestId: string): RenderedError {
  return {
    contentType: PROBLEM_MEDIA_TYPE,
    body: JSON.stringify(toProblem(error, requestId)),
  };
}
