import { z } from "zod";

/** The answers of the task door: `/openapi.json` is made from it, and tests hold answers to it. */

const classification = z
  .array(z.strictObject({ label: z.string(), score: z.number() }))
  .describe("Classification: labels with scores, best first.");

const detection = z
  .array(
    z.strictObject({
      label: z.string(),
      score: z.number(),
      box: z.strictObject({
        xmin: z.number(),
        ymin: z.number(),
        xmax: z.number(),
        ymax: z.number(),
      }),
    }),
  )
  .describe("Object detection: labels with scores and boxes in pixels, best first.");

const clustering = z
  .array(z.strictObject({ label: z.string(), distance: z.number() }))
  .describe("Clustering: clusters with the distance to their centres, nearest first.");

const regression = z.array(z.number()).describe("Regression: one number for each row.");

export const taskAnswerSchema = z
  .union([
    regression,
    classification,
    clustering,
    detection,
    z.array(classification),
    z.array(clustering),
    z.array(detection),
  ])
  .describe("One item is answered by its answer, a list of items by a list of answers.");
