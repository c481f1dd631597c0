import * as z from "zod";
import { eventHead, jsonObject } from "./fields.ts";

export const auditEventSchema = z
  .strictObject({
    ...eventHead("audit"),
    requestId: z.string().optional().describe("Absent for work that no request has asked for."),
    operation: z.string().describe("The id of the operation."),
    by: z.string().describe("The label of the principal."),
    actor: z.string().optional().describe("Whom the request names."),
    target: z
      .record(z.string(), z.string())
      .readonly()
      .optional()
      .describe("What is changed, such as `model` and `version`."),
    request: jsonObject.optional().describe("Fields of the request's query and body."),
    before: jsonObject.optional().describe("What has changed, as it was before."),
    after: jsonObject.optional().describe("What has changed, as it is now."),
    outcome: z.enum(["done", "failed"]).describe("How the change ended."),
    errorCode: z.string().optional().describe("Of a change that failed."),
    change: z.string().describe("Distinguishes the change from all others."),
    seq: z
      .int()
      .optional()
      .describe(
        "The number of its last entry in the audit log; absent when there is none, or it could not be written.",
      ),
    hash: z.string().optional().describe("The hash of that entry."),
  })
  .readonly();
