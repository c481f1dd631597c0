import * as z from "zod";
import { count, counts } from "./fields.ts";

const outputRow = z
  .strictObject({
    label: z.string().optional().describe("That was predicted."),
    confidence: z.number().optional().describe("The probability of the label."),
    entropy: z
      .number()
      .min(0)
      .optional()
      .describe("Of the probabilities of all labels, in nats; absent where they are not known."),
    value: z.number().optional().describe("The number that was predicted."),
  })
  .readonly();

const outputValue = z
  .strictObject({
    count: count.describe("Numbers that are finite."),
    missing: count.describe("Numbers that are not."),
    mean: z.number().optional().describe("Of those that are finite."),
    deviation: z.number().min(0).optional().describe("The standard deviation of a population."),
    min: z.number().optional().describe("The smallest one."),
    max: z.number().optional().describe("The largest one."),
    histogram: z
      .array(count)
      .readonly()
      .optional()
      .describe("Counts by the bins of the reference profile."),
  })
  .readonly();

/** What was predicted. */
export const outputStatisticsSchema = z
  .strictObject({
    count: count.describe("Rows that were predicted."),
    labels: counts
      .optional()
      .describe(
        "Rows by the label that was predicted, of models with a closed set of labels; from 1,000 labels on as `other`.",
      ),
    rows: z.array(outputRow).readonly().optional().describe("The first 16 rows."),
    confidence: z
      .array(count)
      .readonly()
      .optional()
      .describe(
        "Counts of the labels' probabilities, in 20 bins from 0 to 1; absent where `rows` has all of them.",
      ),
    confidenceByLabel: z
      .record(z.string(), z.array(count).readonly())
      .readonly()
      .optional()
      .describe("The same for each label; absent where `rows` has all."),
    entropy: z
      .strictObject({ mean: z.number().min(0).describe("Over the rows, in nats.") })
      .readonly()
      .optional()
      .describe("Of the probabilities of all labels."),
    value: outputValue.optional().describe("Of models that predict a number."),
  })
  .readonly();
