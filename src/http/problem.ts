import type { ApiError } from "../domain/errors.ts";

export const PROBLEM_MEDIA_TYPE = "application/problem+json";

/** The type of a request that exceeds a quota policy, of draft-ietf-httpapi-ratelimit-headers-10, section 5.1. */
export const QUOTA_EXCEEDED_TYPE = "https://iana.org/assignments/http-problem-types#quota-exceeded";

/** An error as problem details (RFC 9457). */
export function toProblem(error: ApiError, requestId: string): object {
  const { code, message, details, kind } = error;
  const { status, title } = kind;
  return {
    type: "about:blank",
    title,
    status,
    detail: message,
    code,
    request_id: requestId,
    ...quotaMembers(error),
    details,
  };
}

/** The members of problem details by which clients of any protocol recognise an exceeded quota; none of other errors. */
export function quotaMembers({ details }: ApiError): object {
  const { violatedPolicies } = details ?? {};
  if (!Array.isArray(violatedPolicies)) return {};
  return { type: QUOTA_EXCEEDED_TYPE, "violated-policies": violatedPolicies };
}
