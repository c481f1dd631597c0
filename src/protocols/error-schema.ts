import * as z from "zod";
import { ERROR_KINDS, type ErrorCode } from "../domain/errors.ts";
import { QUOTA_EXCEEDED_TYPE } from "../http/problem.ts";

/** Schemas of the two forms of errors: of the Open Inference Protocol, and problem details. */

const violatedPolicies = z
  .array(z.string())
  .optional()
  .describe("Of an exceeded quota: the names of the policies, as in `ratelimit-policy`.");

const common = {
  code: z.enum(Object.keys(ERROR_KINDS) as [ErrorCode, ...ErrorCode[]]),
  request_id: z.string().describe("The id in `x-request-id` and in the request's event."),
  details: z
    .record(z.string(), z.unknown())
    .optional()
    .describe("Machine-readable details: what was expected, what was received, what is valid."),
};

export const inferenceErrorSchema = z
  .strictObject({
    error: z.string().describe("Human-readable message."),
    type: z.literal(QUOTA_EXCEEDED_TYPE).optional().describe("Of an exceeded quota."),
    "violated-policies": violatedPolicies,
    ...common,
  })
  .describe("An error of the Open Inference Protocol, with further fields.");

export const problemSchema = z
  .strictObject({
    type: z.enum(["about:blank", QUOTA_EXCEEDED_TYPE]),
    title: z.string().describe("The meaning of the code."),
    status: z.int().min(400).max(599),
    detail: z.string().describe("Human-readable message."),
    "violated-policies": violatedPolicies,
    ...common,
  })
  .describe("Problem details (RFC 9457).");
