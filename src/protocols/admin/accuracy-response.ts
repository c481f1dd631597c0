import * as z from "zod";
import { CALIBRATION_SOURCES, UNAVAILABLE } from "../../domain/monitoring/accuracy-report.ts";
import { CANARY_OUTCOMES } from "../../domain/monitoring/canary-report.ts";
import { CANARY_METRICS } from "../../domain/monitoring/manifest-monitoring.ts";

const count = z.int().min(0);
const estimate = z
  .strictObject({ value: z.number(), low: z.number(), high: z.number() })
  .describe("With the interval of 95 %.");

const unavailable = z.strictObject({ unavailable: z.enum(UNAVAILABLE), reason: z.string() });

const labelReport = z.strictObject({
  label: z.string(),
  truths: count.describe("Rows whose truth it is."),
  predicted: count.describe("Rows that were predicted as it."),
  precision: estimate.optional(),
  recall: estimate.optional(),
  f1: estimate.optional(),
});

const report = {
  version: z.string(),
  truths: count.describe("Rows whose truth is known."),
  classification: z
    .strictObject({ accuracy: estimate, macroF1: estimate, labels: z.array(labelReport) })
    .optional(),
  calibration: z
    .strictObject({
      count,
      expectedError: z.number().describe("Expected calibration error, over 20 bins."),
      brier: estimate.describe("Mean of (confidence - right)^2 of the predicted label."),
      bins: z.array(
        z.strictObject({
          from: z.number(),
          to: z.number(),
          count,
          meanConfidence: z.number(),
          accuracy: estimate,
        }),
      ),
    })
    .optional(),
  regression: z
    .strictObject({
      count,
      meanError: estimate.describe("Prediction minus truth."),
      meanAbsoluteError: estimate,
      rootMeanSquaredError: estimate,
    })
    .optional(),
  estimated: z
    .union([
      z.strictObject({
        source: z.enum(CALIBRATION_SOURCES).describe("What says what confidences are worth."),
        calibrationTruths: count,
        predictions: count,
        accuracy: estimate,
        macroF1: z.union([z.number(), unavailable]),
      }),
      unavailable,
    ])
    .optional()
    .describe("What confidences make expected of all predictions, also of those without a truth."),
};

export const accuracySchema = z.strictObject({
  model: z.string(),
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  versions: z
    .array(z.strictObject(report))
    .describe("Of the whole time, the newest version first."),
  windows: z
    .array(z.strictObject({ start: z.iso.datetime(), seconds: count, ...report }))
    .describe("By version and time of the predictions."),
});

const verdict = z.strictObject({
  alias: z.string(),
  since: count,
  stable: z.string(),
  canary: z.string(),
  metric: z.enum(CANARY_METRICS),
  significance: z.number(),
  at: z.iso.datetime(),
  reason: z.string(),
});

const byGroup = z.strictObject({ stable: z.number(), canary: z.number() });

export const canariesSchema = z.strictObject({
  model: z.string(),
  canaries: z.array(
    z.strictObject({
      alias: z.string(),
      since: count.describe("The revision of the routing since which both are in the split."),
      stable: z.string().describe("The version that the alias stood for before."),
      canary: z.string(),
      startedAt: z.iso.datetime(),
      updatedAt: z.iso.datetime(),
      requests: byGroup,
      significance: z
        .number()
        .describe("The largest probability that a canary that is no worse is ever called worse."),
      metrics: z.array(
        z.strictObject({
          metric: z.enum(CANARY_METRICS),
          stable: estimate.optional(),
          canary: estimate.optional(),
          compared: byGroup.describe("Requests that were compared."),
          significance: z
            .number()
            .describe("Of what was seen so far, however often it was looked at; 1 says nothing."),
          worse: z.boolean(),
          medianMs: byGroup.optional(),
          unavailable: z.string().optional().describe("Why there is nothing to compare."),
        }),
      ),
      worse: verdict.optional().describe("The first comparison by which it was worse."),
      outcome: z.enum(CANARY_OUTCOMES).optional().describe("What was done about it."),
    }),
  ),
});
