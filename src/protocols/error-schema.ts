import { z } from "zod";
import { ERROR_KINDS, type ErrorCode } from "../domain/errors.ts";

/** The two forms in which `middleware/render-error.ts` answers an error. */

const common = {
  code: z.enum(Object.keys(ERROR_KINDS) as [ErrorCode, ...ErrorCode[]]),
  request_id: z.string().describe("The id in `x-request-id` and in the request's event."),
  details: z
    .record(z.string(), z.unknown())
    .optional()
    .describe("Particulars for programs: what was expected, what came, what is valid."),
};

export const inferenceErrorSchema = z
  .strictObject({ error: z.string().describe("What is wrong, for people."), ...common })
  .describe("An error of the Open Inference Protocol, with more beside its `error`.");

export const problemSchema = z
  .strictObject({
    type: z.literal("about:blank"),
    title: z.string().describe("What the code means."),
    status: z.int().min(400).max(599),
    detail: z.string().describe("What is wrong, for people."),
    ...common,
  })
  .describe("Problem details (RFC 9457).");
