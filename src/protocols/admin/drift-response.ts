import * as z from "zod";
import { DRIFT_STATUSES, DRIFT_TESTS } from "../../domain/monitoring/drift-report.ts";
import {
  referenceFeatureSchema,
  referenceProfileSchema,
} from "../../domain/monitoring/reference-profile.ts";

/** Schemas of the responses about drift. */

const digest = z
  .string()
  .describe("Of the bins and counts of the profile: requests are counted under it.");
const count = z.int().min(0);
const side = z.enum(["input", "output"]);

export const profileResponseSchema = z.strictObject({ digest, profile: referenceProfileSchema });

export const deletedProfileSchema = z.strictObject({
  deleted: z.strictObject({ name: z.string(), version: z.string() }),
});

const testSchema = z.strictObject({
  test: z
    .enum(DRIFT_TESTS)
    .describe(
      "`psi`: population stability index; `ks`: Kolmogorov-Smirnov; `rank_sum`: Wilcoxon, Mann and Whitney; `mean`: Welch, of features without bins.",
    ),
  value: z.number(),
  threshold: z
    .number()
    .describe("What the value exceeds with the probability `level` where nothing has changed."),
  pValue: z.number(),
});

const featureSchema = z.strictObject({
  feature: z.string().describe("Its name in the profile."),
  side,
  kind: z.enum(["numeric", "category"]),
  drifted: z
    .boolean()
    .describe(
      "In this window: `adjustedPValue` is at most `level`, and `effect` at least `minEffect`.",
    ),
  pValue: z.number().describe("The smallest one of its tests, times their number."),
  adjustedPValue: z.number().describe("For the number of features, by Benjamini and Hochberg."),
  effect: z
    .number()
    .describe("The size of the difference, in deviations: the larger of Cohen's w and the shift."),
  shift: z
    .number()
    .optional()
    .describe("By how many deviations values have grown, by their ranks; absent of categories."),
  tests: z.array(testSchema),
  rows: z.number().min(0),
  missing: z.number().min(0),
  counts: z.array(z.number()).describe("By the bins or categories of the reference."),
});

const windowSchema = z.strictObject({
  start: z.iso.datetime(),
  end: z.iso.datetime(),
  rows: z.number().min(0),
  complete: z.boolean().describe("One that is not complete says nothing yet."),
  features: z.array(featureSchema),
});

export const driftReportSchema = z.strictObject({
  model: z.string(),
  version: z.string(),
  status: z
    .enum(DRIFT_STATUSES)
    .describe(
      "That of the feature that differs most: `suspected` after one window, `drift` after two in a row; `insufficient` before the first window is complete.",
    ),
  level: z.number().describe("Probability of a false alarm in a window, over all features."),
  minEffect: z.number(),
  minRows: count.describe("Rows that a window has at least."),
  minSeconds: count.describe("Seconds that a window has at least."),
  reference: z
    .strictObject({
      digest,
      rows: count,
      inputs: z.array(referenceFeatureSchema),
      outputs: z.array(referenceFeatureSchema),
    })
    .optional()
    .describe("Of the profile; absent without one."),
  features: z.array(
    z.strictObject({
      feature: z.string(),
      side,
      status: z.enum(["insufficient", "none", "suspected", "drift"]),
    }),
  ),
  windows: z.array(windowSchema).describe("The newest one first."),
});
