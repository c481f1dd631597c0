import * as z from "zod";

const MAX_RETENTION_DAYS = 400;

/** What is compared of a canary with the version that it may replace. */
export const CANARY_METRICS = ["errors", "latency", "accuracy", "estimatedAccuracy"] as const;
export type CanaryMetric = (typeof CANARY_METRICS)[number];

const feedbackSchema = z
  .strictObject({
    rate: z
      .number()
      .min(0)
      .max(1)
      .default(1)
      .describe("The share of the predictions that is kept for feedback; 0 for none."),
    retentionDays: z
      .number()
      .gt(0)
      .max(MAX_RETENTION_DAYS)
      .optional()
      .describe(
        "For how many days feedback is accepted, and kept with its prediction; by default what the setting FEEDBACK_RETENTION_DAYS says.",
      ),
  })
  .describe("The predictions that are kept until their truth is known: docs/accuracy.md.");

const canarySchema = z
  .strictObject({
    rollback: z
      .boolean()
      .default(false)
      .describe(
        "Whether the version is taken out of a split by itself when it is worse than the version that it may replace.",
      ),
    metrics: z
      .array(z.enum(CANARY_METRICS))
      .min(1)
      .default([...CANARY_METRICS])
      .describe("What makes it worse."),
    significance: z
      .number()
      .gt(0)
      .max(0.2)
      .default(0.01)
      .describe(
        "The largest probability that a version that is no worse is called worse, however often that is looked at.",
      ),
  })
  .describe("How the version is compared while it is a canary: docs/accuracy.md.");

export const monitoringSchema = z
  .strictObject({
    feedback: feedbackSchema.optional(),
    canary: canarySchema.optional(),
    calibrated: z
      .boolean()
      .optional()
      .describe(
        "Whether the confidences are probabilities, so that accuracy is estimated by them before feedback says what they are worth.",
      ),
  })
  .describe("What is observed of the version besides what is observed of all.");

/** Of a version whose manifest says nothing. */
export const DEFAULT_CANARY = canarySchema.parse({});
