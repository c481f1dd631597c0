import * as z from "zod";
import { FEEDBACK_STATUSES } from "../../domain/monitoring/feedback.ts";

export const recordedFeedbackSchema = z.strictObject({
  requestId: z.string(),
  status: z
    .enum(FEEDBACK_STATUSES)
    .describe(
      "`recorded`: the first truth of the request; `replaced`: another one than before; `unchanged`: the same; `outdated`: one that became known later is there already.",
    ),
  version: z.string().describe("The version that made the prediction."),
  compared: z
    .int()
    .min(0)
    .describe("Rows whose prediction and truth were compared: the first 16 of a request."),
});

const failedFeedbackSchema = z.strictObject({
  requestId: z.string().optional(),
  status: z.literal("failed"),
  code: z.string().describe("Of the error, as a response with a single one would have it."),
  message: z.string(),
});

const count = z.int().min(0);

/** Of a list. */
export const feedbackResultsSchema = z.strictObject({
  counts: z
    .strictObject({
      recorded: count,
      replaced: count,
      unchanged: count,
      outdated: count,
      failed: count,
    })
    .describe("How many there are of each status."),
  results: z
    .array(z.union([recordedFeedbackSchema, failedFeedbackSchema]))
    .describe("In the order of the request."),
});

export const feedbackResponseSchema = z
  .union([recordedFeedbackSchema, feedbackResultsSchema])
  .describe("What was recorded: of a list for each item, also of those that failed.");
