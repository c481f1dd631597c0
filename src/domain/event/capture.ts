import * as z from "zod";
import { CAPTURE_SKIPS } from "../event.ts";
import { count, eventHead, model, version } from "./fields.ts";

export const captureEventSchema = z
  .strictObject({
    ...eventHead("capture"),
    requestId: z.string().describe("Of the request that was chosen."),
    model,
    version,
    outcome: z.enum(["stored", "skipped", "failed"]).describe("What became of it."),
    reason: z.enum(CAPTURE_SKIPS).optional().describe("Of one that was skipped."),
    errorCode: z.string().optional().describe("Of one that could not be stored."),
    errorMessage: z.string().optional().describe("Of one that could not be stored, with a 5xx."),
    bytes: count.optional().describe("Of the JSON, before it is encrypted."),
  })
  .readonly();
